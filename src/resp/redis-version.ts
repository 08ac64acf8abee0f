/** The Redis whose commands these are; clients decide by it what they may use. */
export const REDIS_VERSION = '7.0.15';

/** The version of Redis whose commands these are; clients decide by it which commands they may use. */
export const REDIS_VERSION = '7.0.15';

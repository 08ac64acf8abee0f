#!/usr/bin/env node
// Asks the server on this machine for a sign of life, for the HEALTHCHECK and the probes of a container
// (docs/kubernetes.md, "The image"): exit status 0 when it answers PING, and be it that it wants a password,
// or has no content. PING_PORT is its plain port, 6379 when absent.
import { connect } from 'node:net';

const ALIVE = /^(\+PONG|-NOAUTH|-LOADING|-MASTERDOWN|-NODATA|-BUSY)/;
const PATIENCE_MS = 2_000;

const socket = connect(Number(process.env.PING_PORT || 6379), '127.0.0.1', () => socket.write('PING\r\n'));
socket.once('data', (reply) => process.exit(ALIVE.test(reply.toString('latin1')) ? 0 : 1));
socket.once('close', () => process.exit(1));
socket.on('error', () => {});
socket.setTimeout(PATIENCE_MS, () => socket.destroy());

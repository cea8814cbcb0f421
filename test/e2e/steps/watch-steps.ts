// The steps of a program that can be seen from outside: what it asks of Google's services, which processes it starts,
// what it spools. Seen where Node itself passes them on: its diagnostics channels, and the ends of its own modules.
import { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { promises as fs } from 'node:fs';
import type { ClientRequest } from 'node:http';
import type { ClientHttp2Stream } from 'node:http2';
import { syncBuiltinESMExports } from 'node:module';

export type OnStep = (step: string) => void;

/**
 * Tells of every step from now on, in words:
 *
 * - `Commit images manifests sent`: about to leave, to these collections; `… answered`: done there, not known here yet;
 * - `Acknowledge sent`, `Publish sent`, and so on for all of gRPC;
 * - `POST /upload/… sent`, `… answered`;
 * - `nix-store --realise … started`;
 * - `spool opened`, `spool written`, `spool removed`.
 */
export function watchSteps(onStep: OnStep): void {
  watchGrpc(onStep);
  watchHttp(onStep);
  watchProcesses(onStep);
  watchSpool(onStep);
  // Modules that import names from these get the new ones.
  syncBuiltinESMExports();
}

function watchGrpc(onStep: OnStep): void {
  const calls = new WeakMap<ClientHttp2Stream, string>();
  subscribe('http2.client.stream.created', message => {
    const { stream, headers } = message as { stream: ClientHttp2Stream; headers: { ':path'?: string } };
    const method = headers[':path']?.split('/').at(-1) ?? '';
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (...args: unknown[]): boolean => {
      const [bytes] = args;
      const call = [method, ...collectionsIn(bytes)].join(' ');
      calls.set(stream, call);
      onStep(`${call} sent`);
      return write(...args);
    };
  });
  subscribe('http2.client.stream.finish', message => {
    const { stream } = message as { stream: ClientHttp2Stream };
    onStep(`${calls.get(stream) ?? ''} answered`);
  });
}

/** The collections of the documents that a request names, sorted. */
function collectionsIn(bytes: unknown): string[] {
  const text = bytes instanceof Uint8Array ? Buffer.from(bytes).toString('latin1') : '';
  return [...new Set(Array.from(text.matchAll(/\/documents\/(\w+)\//g), ([, name = '']) => name))].toSorted();
}

function watchHttp(onStep: OnStep): void {
  const watch = (channel: string, what: string): void =>
    subscribe(channel, message => {
      const { request } = message as { request: ClientRequest };
      onStep(`${request.method} ${request.path} ${what}`);
    });
  watch('http.client.request.start', 'sent');
  watch('http.client.response.finish', 'answered');
}

function watchProcesses(onStep: OnStep): void {
  // Not in Node's types: the method that every way to start a process ends in.
  const prototype = ChildProcess.prototype as unknown as {
    spawn: (this: ChildProcess, options: { readonly args: readonly string[] }) => unknown;
  };
  const { spawn } = prototype;
  prototype.spawn = function (options) {
    const result = spawn.call(this, options);
    onStep(`${options.args.join(' ')} started`);
    return result;
  };
}

function watchSpool(onStep: OnStep): void {
  const { open, rm } = fs;
  fs.open = async (path, ...rest) => {
    const handle = await open(path, ...rest);
    if (!isSpoolFile(path)) return handle;
    onStep('spool opened');
    const writeFile = handle.writeFile.bind(handle);
    handle.writeFile = async (...args) => {
      await writeFile(...args);
      onStep('spool written');
    };
    return handle;
  };
  fs.rm = async (path, ...rest) => {
    await rm(path, ...rest);
    if (isSpoolFile(path)) onStep('spool removed');
  };
}

function isSpoolFile(path: unknown): boolean {
  return String(path).endsWith('.layer');
}

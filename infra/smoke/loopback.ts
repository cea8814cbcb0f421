// A registry of `npm start`, or one that is not on this machine.

/** Whether an address is this machine's own: what is sent there does not leave it. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

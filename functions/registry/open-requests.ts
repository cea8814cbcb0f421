// The requests that this instance has not answered yet: all are sent on, at once, when it ends.

export type OpenRequests = ReturnType<typeof createOpenRequests>;

export function createOpenRequests() {
  const open = new Set<() => void>();
  let isEnding = false;
  return {
    /** Whether this instance ends: every request is to be sent on from now on. */
    get isEnding(): boolean {
      return isEnding;
    },

    /** Adds one that is answered later, until it is disposed of. `sendOn` answers it, in the same turn. */
    add(sendOn: () => void): Disposable {
      open.add(sendOn);
      return { [Symbol.dispose]: () => void open.delete(sendOn) };
    },

    /** Sends on all that are open. All is written when this returns; answers how many. */
    sendAllOn(): number {
      isEnding = true;
      const { size } = open;
      for (const sendOn of open) sendOn();
      open.clear();
      return size;
    },
  };
}

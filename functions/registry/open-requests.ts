// The requests that this instance has not answered yet: all are sent on, at once, when it ends.

export type OpenRequests = ReturnType<typeof createOpenRequests>;

export function createOpenRequests() {
  const open = new Set<() => void>();
  let isEnding = false;
  return {
    /** Adds one; `sendOn` answers it, in the same turn. The function that comes back takes it away: it has its answer. */
    add(sendOn: () => void): () => void {
      if (isEnding) sendOn();
      else open.add(sendOn);
      return () => void open.delete(sendOn);
    },

    /** Sends on all that are open, and from now on every new one. All is written when this returns; answers how many. */
    sendAllOn(): number {
      isEnding = true;
      const { size } = open;
      for (const sendOn of open) sendOn();
      open.clear();
      return size;
    },
  };
}

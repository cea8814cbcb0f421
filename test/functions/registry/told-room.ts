// A waiting room that tells when so many pulls wait in it.
import { createWaitingRoom, type WaitingRoom } from '#functions/registry/waiting-room.ts';

export function toldRoom(count: number): { readonly room: WaitingRoom; readonly entered: Promise<void> } {
  const room = createWaitingRoom(1_000);
  const { promise: entered, resolve } = Promise.withResolvers<void>();
  const enter = (): ReturnType<WaitingRoom['enter']> => {
    const place = room.enter();
    if (room.count === count) resolve();
    return place;
  };
  return {
    room: {
      get count() {
        return room.count;
      },
      enter,
    },
    entered,
  };
}

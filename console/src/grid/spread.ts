/** Column widths in pixels: each its own, and what room is left over goes to those that can use it. Pure. */

export interface Wanted { width: number; /** How readily it takes more; 0 never. */ stretch: number; /** It never gets less, such as the room of its heading. */ min?: number }

/** `least` is how far columns may shrink, as a share of their width, before the table scrolls. */
export function spread(wanted: readonly Wanted[], room: number, least = 1): number[] {
  const sum = wanted.reduce((total, one) => total + one.width, 0);
  const weight = wanted.reduce((total, one) => total + one.stretch, 0);
  const extra = room - sum;
  if (extra < 0 && least < 1 && sum > 0) {
    const share = Math.max(least, room / sum);
    const shrunk = wanted.map((one) => Math.max(Math.floor(one.width * share), Math.min(one.min ?? 0, one.width)));
    const left = room - shrunk.reduce((total, width) => total + width, 0);
    const most = wanted.reduce((best, one, index) => (one.stretch > (wanted[best]?.stretch ?? 0) ? index : best), 0);
    if (left > 0) shrunk[most] = (shrunk[most] ?? 0) + left;
    return shrunk;
  }
  if (extra <= 0 || weight === 0) return wanted.map((one) => one.width);
  let given = 0;
  const out = wanted.map((one) => {
    const more = Math.floor((extra * one.stretch) / weight);
    given += more;
    return one.width + more;
  });
  const widest = wanted.reduce((best, one, index) => (one.stretch > (wanted[best]?.stretch ?? 0) ? index : best), 0);
  out[widest] = (out[widest] ?? 0) + extra - given;
  return out;
}

/** A multiplier: 0.13 is 13 %. Shown as a percentage up to one, as a plain number above (unit conversions). */
import { compare, group, narrow, places, shift, trim, typed } from "@/decimal";
import type { Kind } from "@/kind";

import qty from "./qty";
import { plain } from "./text";

function percent(value: string): boolean {
  return compare(value, "1") <= 0 && compare(value, "-1") >= 0;
}

const kind: Kind = {
  ...qty,
  width: 84,
  show: (value) => {
    const text = trim(plain(value));
    return percent(text) ? `${group(shift(text, 2))}%` : group(text);
  },
  text: (value) => {
    const text = trim(plain(value));
    if (!text) return "";
    return percent(text) ? `${shift(text, 2)}%` : text;
  },
  parse: (text, field) => {
    const plainText = narrow(text).trim();
    if (!plainText) return { value: null };
    const isPercent = plainText.endsWith("%");
    const value = typed(isPercent ? plainText.slice(0, -1) : plainText);
    if (value === null) return { wrong: "rate" };
    const rate = isPercent ? shift(value, -2) : trim(value);
    const scale = field.scale ?? 6;
    return places(rate) > scale ? { wrong: "places", with: { scale } } : { value: rate };
  },
};
export default kind;

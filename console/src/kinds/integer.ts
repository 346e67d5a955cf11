/** A whole number. */
import { group, typed } from "@/decimal";
import type { Kind } from "@/kind";

import qty from "./qty";
import { plain } from "./text";

const kind: Kind = {
  ...qty,
  width: 80,
  show: (value) => group(plain(value)),
  text: plain,
  parse: (text) => {
    if (!text.trim()) return { value: null };
    const value = typed(text);
    if (value === null) return { wrong: "number" };
    if (value.includes(".")) return { wrong: "whole" };
    const number = Number(value);
    return Number.isSafeInteger(number) ? { value: number } : { wrong: "number" };
  },
};
export default kind;

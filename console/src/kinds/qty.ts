/** A quantity in the line's unit, at most six places. */
import TextInput from "@/inputs/TextInput.vue";
import { places, trim, typed } from "@/decimal";
import { quantity } from "@/format";
import type { Kind } from "@/kind";

import { plain } from "./text";

/** Reads a decimal of at most `most` places; more is refused, never rounded behind the typist's back. */
export function parseDecimal(most: number): Kind["parse"] {
  return (text, field) => {
    if (!text.trim()) return { value: null };
    const value = typed(text);
    if (value === null) return { wrong: "number" };
    const scale = field.scale ?? most;
    if (places(value) > scale) return { wrong: scale === 0 ? "whole" : "places", with: { scale } };
    return { value: trim(value) };
  };
}

const kind: Kind = {
  align: "right", width: 96,
  show: (value, _field, shown) => quantity(plain(value), shown.table),
  text: (value) => trim(plain(value)),
  parse: parseDecimal(6),
  Edit: TextInput,
  operators: ["=", ">=", "<=", ">", "<"], operand: "number",
};
export default kind;

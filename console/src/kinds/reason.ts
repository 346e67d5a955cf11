/** Why a figure beside it is what it is: a word of a few, and what it points to, as `list WHOLESALE ≥10`. Never typed. */
import type { Kind } from "@/kind";
import type { Field, FieldValue } from "@/types";

import text, { plain } from "./text";

/** The word alone: `list`. */
export function wordOf(value: FieldValue): string {
  return plain(value).split(" ", 1)[0] ?? "";
}

function words(value: FieldValue, field: Field): string {
  const [word = "", ...rest] = plain(value).split(" ");
  return [field.choices?.find((choice) => choice.value === word)?.label ?? word, ...rest].join(" ");
}

const kind: Kind = { ...text, width: 140, show: words, operators: ["contains", "empty"] };
export default kind;

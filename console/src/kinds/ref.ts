/** A reference to a master record or document: found by code, name, pinyin initials or bar code. */
import RefInput from "@/inputs/RefInput.vue";
import type { Kind } from "@/kind";
import type { FieldValue, Ref } from "@/types";

export function isRef(value: FieldValue | unknown): value is Ref {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "id" in value;
}

const name = (value: FieldValue): string => (isRef(value) ? value.name || value.code || "" : typeof value === "string" ? value : "");

const kind: Kind = {
  align: "left", width: 160,
  show: name,
  full: (value) => (isRef(value) ? [value.code, value.name].filter(Boolean).join(" ") : name(value)),
  text: name,
  // Text stays text here: only the server knows what a code means. The grid asks it for whole blocks at once.
  parse: (text) => ({ value: text.trim() || null }),
  Edit: RefInput,
  operators: ["in", "!=", "empty"], operand: "refs",
};
export default kind;

/** Text of one line. */
import TextInput from "@/inputs/TextInput.vue";
import type { Kind } from "@/kind";

export const plain = (value: unknown): string => (value === null || value === undefined ? "" : String(value));

export const parseText: Kind["parse"] = (text, field) => {
  const value = text.replace(/\s*[\r\n]+\s*/g, " ").trim();
  if (field.max_length && [...value].length > field.max_length) return { wrong: "tooLong", with: { max: field.max_length } };
  return { value: value || null };
};

const kind: Kind = {
  align: "left", width: 160,
  show: plain, text: plain, parse: parseText,
  Edit: TextInput,
  operators: ["contains", "starts", "=", "empty"], operand: "text",
};
export default kind;

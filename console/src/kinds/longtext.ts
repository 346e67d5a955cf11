/** Text of several lines: notes, reasons. */
import LongTextInput from "@/inputs/LongTextInput.vue";
import type { Kind } from "@/kind";

import { plain } from "./text";

const kind: Kind = {
  align: "left", width: 220,
  show: (value, _field, shown) => (shown.table ? plain(value).replace(/\s+/g, " ") : plain(value)),
  full: plain,
  text: plain,
  parse: (text, field) => {
    const value = text.replace(/\r\n?/g, "\n").trim();
    if (field.max_length && [...value].length > field.max_length) return { wrong: "tooLong", with: { max: field.max_length } };
    return { value: value || null };
  },
  Edit: LongTextInput,
  operators: ["contains", "empty"], operand: "text",
};
export default kind;

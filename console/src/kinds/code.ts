/** A code or document number: no inner spaces, half-width. */
import TextInput from "@/inputs/TextInput.vue";
import { narrow } from "@/decimal";
import type { Kind } from "@/kind";

import { parseText, plain } from "./text";

const kind: Kind = {
  align: "left", width: 142,
  show: plain, text: plain,
  parse: (text, field) => parseText(narrow(text).replace(/\s+/g, ""), field),
  Edit: TextInput,
  operators: ["starts", "contains", "="], operand: "text",
};
export default kind;

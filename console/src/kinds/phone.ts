/** A telephone number: digits, with an optional leading plus, shown in groups. */
import TextInput from "@/inputs/TextInput.vue";
import { narrow } from "@/decimal";
import type { Kind } from "@/kind";

import { plain } from "./text";

function grouped(value: string): string {
  return /^1\d{10}$/.test(value) ? `${value.slice(0, 3)} ${value.slice(3, 7)} ${value.slice(7)}` : value;
}

const kind: Kind = {
  align: "left", width: 130,
  show: (value) => grouped(plain(value)),
  text: plain,
  parse: (text) => {
    const value = narrow(text).replace(/[\s()（）-]/g, "");
    if (!value) return { value: null };
    return /^\+?\d{5,15}$/.test(value) ? { value } : { wrong: "phone" };
  },
  Edit: TextInput,
  operators: ["starts", "contains", "="], operand: "text",
};
export default kind;

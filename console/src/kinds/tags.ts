/** A set of short words. */
import TagsInput from "@/inputs/TagsInput.vue";
import type { Kind } from "@/kind";
import type { FieldValue } from "@/types";

const words = (value: FieldValue): string[] => (Array.isArray(value) ? value : typeof value === "string" && value ? [value] : []);

const kind: Kind = {
  align: "left", width: 150,
  show: (value) => words(value).join("、"),
  text: (value) => words(value).join("、"),
  parse: (text) => {
    const found = [...new Set(text.split(/[,，、;；\n]/).map((word) => word.trim()).filter(Boolean))];
    return { value: found.length ? found : null };
  },
  Edit: TagsInput,
  operators: ["empty"], operand: "text",
};
export default kind;

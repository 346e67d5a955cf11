/** Yes or no. */
import BooleanInput from "@/inputs/BooleanInput.vue";
import { t } from "@/i18n";
import type { Kind } from "@/kind";

const YES = new Set(["1", "true", "yes", "y", "是", "√", "✓", "对"]);
const NO = new Set(["0", "false", "no", "n", "否", "×", "✗", "不"]);

const kind: Kind = {
  align: "left", width: 72,
  show: (value) => (value === true ? t("word.yes") : value === false ? t("word.no") : ""),
  text: (value) => (value === true ? t("word.yes") : value === false ? t("word.no") : ""),
  parse: (text) => {
    const word = text.trim().toLowerCase();
    if (!word) return { value: null };
    if (YES.has(word)) return { value: true };
    return NO.has(word) ? { value: false } : { wrong: "boolean" };
  },
  Edit: BooleanInput,
  operators: ["="], operand: "boolean",
};
export default kind;

/** One of a few fixed values, shown by their label. */
import ChoiceInput from "@/inputs/ChoiceInput.vue";
import type { Kind } from "@/kind";
import type { Choice, Field, FieldValue } from "@/types";

import { plain } from "./text";

export function choiceOf(value: FieldValue, field: Field): Choice | undefined {
  return field.choices?.find((choice) => choice.value === value);
}

const label = (value: FieldValue, field: Field): string => choiceOf(value, field)?.label ?? plain(value);

const kind: Kind = {
  align: "left", width: 110,
  show: (value, field, shown) => (shown.table && choiceOf(value, field)?.plain ? "" : label(value, field)), text: label,
  tone: (value, field) => choiceOf(value, field)?.tone ?? null,
  parse: (text, field) => {
    const word = text.trim();
    if (!word) return { value: null };
    const choices = field.choices ?? [];
    const found = choices.find((choice) => choice.label === word || choice.value === word)
      ?? choices.find((choice) => choice.label.toLowerCase() === word.toLowerCase());
    return found ? { value: found.value } : { wrong: "choice", with: { choices: choices.map((choice) => choice.label).join("、") } };
  },
  Edit: ChoiceInput,
  operators: ["in", "!="], operand: "choices",
};
export default kind;

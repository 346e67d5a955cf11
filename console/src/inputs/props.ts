/** What every input is given and tells. */
import type { Kind } from "@/kind";
import type { Field, FieldValue, LookupRow } from "@/types";

export interface InputProps {
  modelValue: FieldValue;
  field: Field;
  kind: Kind;
  inputId?: string;
  wrong?: boolean;
  disabled?: boolean;
  placeholder?: string;
  /** `purchase.order.supplier`: lets the server narrow a look-up. */
  purpose?: string;
}

export interface InputEmits {
  "update:modelValue": [value: FieldValue, row?: LookupRow];
  /** Text that is no value of this kind, or null once it is again. The text stays in the input. */
  refuse: [message: string | null];
  /** Enter was pressed and nothing is left to choose here. */
  enter: [];
}

/** How much of a quantity or an amount has been carried out by later documents. Moved by links only, never typed. */
import { money } from "@/format";
import type { Kind } from "@/kind";
import type { Field } from "@/types";

import qty from "./qty";
import { plain } from "./text";

/** What it counts up to is money when that field is. */
export function isMoney(field: Field): boolean {
  return field.kind === "amount" || (field.kind === "done" && Boolean(field.of?.endsWith("amount")));
}

const kind: Kind = {
  ...qty,
  width: 92,
  show: (value, field, shown) => (isMoney(field) ? money(plain(value)) : qty.show(value, field, shown)),
};
export default kind;

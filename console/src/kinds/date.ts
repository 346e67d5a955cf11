/** A day, without time or zone. Typed as `2026-11-22`, `11-22`, `1122`, `20261122`, `11月22日`. */
import DateInput from "@/inputs/DateInput.vue";
import { typedDate } from "@/calendar";
import { shortDate } from "@/format";
import type { Kind } from "@/kind";

import { plain } from "./text";

const kind: Kind = {
  align: "left", width: 92,
  show: (value, _field, shown) => (shown.table ? shortDate(plain(value), shown.today) : plain(value).slice(0, 10)),
  full: (value) => plain(value).slice(0, 10),
  text: (value) => plain(value).slice(0, 10),
  parse: (text) => {
    if (!text.trim()) return { value: null };
    const value = typedDate(text);
    return value === null ? { wrong: "date" } : { value };
  },
  Edit: DateInput,
  operators: [">=", "<=", "=", "empty"], operand: "date",
};
export default kind;

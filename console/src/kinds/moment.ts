/** A point in time, stored in UTC, shown in the reader's zone: relative up to a day, then absolute. */
import MomentInput from "@/inputs/MomentInput.vue";
import { fullMoment, moment } from "@/format";
import type { Kind } from "@/kind";

import { plain } from "./text";

const kind: Kind = {
  align: "left", width: 128,
  show: (value, _field, shown) => (shown.table ? moment(plain(value), shown.t, shown.today) : fullMoment(plain(value))),
  full: (value) => fullMoment(plain(value)),
  text: (value) => (value ? fullMoment(plain(value)) : ""),
  parse: (text) => {
    if (!text.trim()) return { value: null };
    const at = new Date(text.trim().replace(" ", "T"));
    return Number.isNaN(at.getTime()) ? { wrong: "moment" } : { value: at.toISOString() };
  },
  Edit: MomentInput,
  operators: [">=", "<="], operand: "date",
};
export default kind;

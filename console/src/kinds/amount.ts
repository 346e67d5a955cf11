/** An amount of money in the document's currency, two places. */
import { round } from "@/decimal";
import { money } from "@/format";
import type { Kind } from "@/kind";

import qty, { parseDecimal } from "./qty";
import { plain } from "./text";

const parse = parseDecimal(2);

const kind: Kind = {
  ...qty,
  width: 124,
  show: (value) => money(plain(value)),
  text: (value) => (value === null || value === undefined || value === "" ? "" : round(plain(value), 2)),
  parse: (text, field) => {
    const parsed = parse(text, field);
    return "value" in parsed && typeof parsed.value === "string" ? { value: round(parsed.value, 2) } : parsed;
  },
};
export default kind;

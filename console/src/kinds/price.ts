/** A price per unit, at least two and at most eight places. */
import { price } from "@/format";
import type { Kind } from "@/kind";

import qty, { parseDecimal } from "./qty";
import { plain } from "./text";

const kind: Kind = { ...qty, width: 110, show: (value) => price(plain(value)), parse: parseDecimal(8) };
export default kind;

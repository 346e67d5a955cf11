/** How much of a quantity has been carried out by later documents. Moved by links only, never typed. */
import type { Kind } from "@/kind";

import qty from "./qty";

const kind: Kind = { ...qty, width: 88 };
export default kind;

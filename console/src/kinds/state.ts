/** How far a document got on one of its tracks: a word on a tone. Moved by steps, never typed. */
import type { Kind } from "@/kind";

import choice, { choiceOf } from "./choice";

const kind: Kind = { ...choice, width: 100, tone: (value, field) => choiceOf(value, field)?.tone ?? "quiet" };
export default kind;

/** What the server refused, beside the field it is about; aloud only what has no field here. */
import { nextTick, reactive } from "vue";

import { Refused } from "@/api";
import { complain } from "@/complain";

export function useWrong(prefix: string): { wrong: Record<string, string>; clear: () => void; take: (error: unknown, shown: readonly string[]) => void } {
  const wrong = reactive<Record<string, string>>({});
  function clear(): void {
    for (const name of Object.keys(wrong)) Reflect.deleteProperty(wrong, name);
  }
  /** Mark the fields in `shown` and go to the first of them, whose id is `prefix` and its name. */
  function take(error: unknown, shown: readonly string[]): void {
    const problems = error instanceof Refused ? error.problems : [];
    for (const problem of problems) if (problem.field && shown.includes(problem.field)) wrong[problem.field] ??= problem.message;
    const rest = problems.filter((problem) => !problem.field || !shown.includes(problem.field));
    const first = shown.find((name) => wrong[name]);
    if (!first || rest.length) complain(error instanceof Refused && first ? new Refused(error.status, rest) : error);
    if (first) void nextTick(() => document.getElementById(`${prefix}${first}`)?.focus());
  }
  return { wrong, clear, take };
}

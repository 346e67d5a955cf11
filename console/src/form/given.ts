/**
 * Which values somebody typed, and which were filled in because nobody did. What was filled in is not sent: the server
 * fills it in again, by what it hangs on now. What was typed is never touched. Pure.
 */
import { wordOf } from "@/kinds/reason";
import { isRef } from "@/kinds/ref";
import type { Field, FieldValue } from "@/types";

type Fields = Record<string, Field>;
type Values = Readonly<Record<string, FieldValue>>;
/** Names of fields. Whatever is in neither came with the record and stays as it is. */
export interface Origin { readonly typed?: readonly string[]; readonly given?: readonly string[] }

export const isEmpty = (value: FieldValue): boolean => value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

/** Words of a reason that say: somebody decided this, it is not to be found anew. */
const DECIDED = new Set(["", "manual", "source", "quoted"]);
export const isOpenReason = (value: FieldValue): boolean => !DECIDED.has(wordOf(value));

/** Fields that are open again because `changed` are others now: figures with a reason that hang on one of them, and what
 * may be left blank beside another thing altogether (the unit of another product). */
function opened(fields: Fields, values: Values, changed: readonly string[]): string[] {
  const figures = Object.entries(fields).flatMap(([name, field]) =>
    field.kind === "reason" && field.of && field.by?.some((one) => changed.includes(one)) && isOpenReason(values[name]) ? [field.of] : []);
  const isOther = changed.some((name) => fields[name]?.kind === "ref" && fields[name]?.required);
  const beside = isOther ? Object.keys(fields).filter((name) => fields[name]?.kind === "ref" && !fields[name]?.required && isRef(values[name])) : [];
  return [...figures, ...beside];
}

/** The origin after `changed` fields were typed, or cleared: what is cleared may be filled in. */
export function afterTyping(origin: Origin, fields: Fields, values: Values, changed: readonly string[]): Origin {
  const typed = new Set(origin.typed);
  const given = new Set(origin.given);
  for (const name of changed) {
    given.delete(name);
    if (isEmpty(values[name])) typed.delete(name);
    else typed.add(name);
  }
  for (const name of opened(fields, values, changed)) if (!typed.has(name)) given.add(name);
  return { typed: [...typed], given: [...given] };
}

/** Values and origin after the server has said what saving would make of them; the same ones when it says nothing new. */
export function filled(origin: Origin, fields: Fields, values: Values, said: Values, typable: (field: Field) => boolean, same: (a: FieldValue, b: FieldValue) => boolean): { values: Values; given: readonly string[] } | null {
  const next: Record<string, FieldValue> = {};
  const given = new Set(origin.given);
  for (const [name, field] of Object.entries(fields)) {
    if (!(name in said) || field.formula || field.kind === "done" || field.kind === "state") continue;
    const isOpen = !typable(field) || isEmpty(values[name]) || given.has(name);
    if (!isOpen) continue;
    if (!same(values[name], said[name])) next[name] = said[name] ?? null;
    if (typable(field) && !isEmpty(said[name])) given.add(name);
  }
  if (!Object.keys(next).length && given.size === (origin.given?.length ?? 0)) return null;
  return { values: { ...values, ...next }, given: [...given] };
}

/** Putting a planned block into lines: values read by their kinds, references as the server resolved them. */
import type { Editing, Line } from "@/form/editing";
import type { Words } from "@/format";
import { kindOf } from "@/kind";
import type { Field, FieldValue, LookupRow, Ref } from "@/types";

import type { Plan } from "./clipboard";

/** What the server knows of texts: by code of the master, then by text. A master that is missing could not be asked about. */
export type Resolved = Map<string, Map<string, LookupRow>>;

export interface Unknown { field: string; ref: string; label: string; text: string; lines: number }

/** Texts that only the server can tell, by master. */
export function toResolve(plan: Plan, fields: Record<string, Field>): Map<string, string[]> {
  const wanted = new Map<string, Set<string>>();
  for (const { name, text } of plan.cells) {
    const field = fields[name];
    if (field?.kind !== "ref" || !field.ref || !text) continue;
    const set = wanted.get(field.ref) ?? new Set();
    set.add(text);
    wanted.set(field.ref, set);
  }
  return new Map([...wanted].map(([code, set]) => [code, [...set]]));
}

export function asRef(row: LookupRow): Ref {
  return { id: row.id, code: row.code ?? null, name: row.name, hint: row.hint ?? null };
}

/** One typed or pasted text into one cell; references look at `resolved`. */
export function put(editing: Editing, line: Line, name: string, text: string, resolved: Resolved, t: Words): Line {
  const field = editing.lineFields.value[name];
  if (!field) return line;
  const values = { ...line.values };
  const bad = { ...line.bad };
  Reflect.deleteProperty(bad, name);
  if (field.kind === "ref") {
    const known = resolved.get(field.ref ?? "");
    const row = text ? known?.get(text) : undefined;
    values[name] = row ? asRef(row) : null;
    if (text && !known) bad[name] = { text, message: t("error.noAnswer"), unasked: true };
    else if (text && !row) bad[name] = { text, message: t("grid.unknown", { text }) };
  } else {
    const parsed = kindOf(field).parse(text, field);
    if ("wrong" in parsed) bad[name] = { text, message: t(`parse.${parsed.wrong}`, parsed.with ?? {}) };
    else values[name] = parsed.value;
  }
  return { ...line, values, bad };
}

/** The lines after the block went in at `at`; lines past the end are new ones. */
export function applyPlan(editing: Editing, plan: Plan, at: number, resolved: Resolved, t: Words): { lines: Line[]; unknown: Unknown[] } {
  const lines = [...editing.lines.value];
  for (const { row, name, text } of plan.cells) {
    const index = at + row;
    while (lines.length <= index) lines.push(editing.newLine());
    lines[index] = put(editing, lines[index] as Line, name, text, resolved, t);
  }
  return { lines, unknown: unknownIn(lines, editing.lineFields.value) };
}

/** Texts in the lines that mean nothing yet, each once, with how many lines wait for it. */
export function unknownIn(lines: readonly Line[], fields: Record<string, Field>): Unknown[] {
  const found = new Map<string, Unknown>();
  for (const line of lines) {
    for (const [name, { text, unasked }] of Object.entries(line.bad)) {
      const field = fields[name];
      if (field?.kind !== "ref" || !field.ref || unasked) continue;
      const key = `${name} ${text}`;
      const one = found.get(key) ?? { field: name, ref: field.ref, label: field.label, text, lines: 0 };
      one.lines += 1;
      found.set(key, one);
    }
  }
  return [...found.values()];
}

/** Every cell that holds this unknown text becomes the chosen row. */
export function repair(editing: Editing, lines: readonly Line[], unknown: Unknown, row: LookupRow, t: Words): Line[] {
  const resolved: Resolved = new Map([[unknown.ref, new Map([[unknown.text, row]])]]);
  return lines.map((line) => (line.bad[unknown.field]?.text === unknown.text ? put(editing, line, unknown.field, unknown.text, resolved, t) : line));
}

export function textOf(line: Line | undefined, name: string, field: Field): string {
  if (!line) return "";
  const bad = line.bad[name];
  if (bad) return bad.text;
  const value = line.values[name] as FieldValue;
  return value === null || value === undefined ? "" : kindOf(field).text(value, field);
}

/** What copying gives: a reference by its code, which pastes back without doubt. */
export function copied(line: Line | undefined, name: string, field: Field): string {
  const value = line?.values[name];
  if (field.kind === "ref" && value && typeof value === "object" && "id" in value) return value.code || value.name;
  return textOf(line, name, field);
}

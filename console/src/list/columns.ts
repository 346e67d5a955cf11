/** Which columns a list shows, in which order and width: the server's choice until somebody makes their own. */
import { widthOf } from "@/kind";
import type { Field, Meta } from "@/types";

export interface ColumnPref { name: string; width?: number; hidden?: boolean }
export type ListPrefs = { columns: ColumnPref[]; schemes: { name: string; query: Record<string, string> }[] };
export const NO_PREFS: ListPrefs = { columns: [], schemes: [] };

export interface Column { name: string; field: Field; width: number; hidden: boolean }

/** Fields every record answers although no form shows them. */
const ALWAYS = new Set(["id", "version"]);

export function fieldOf(meta: Meta, name: string): Field | null {
  if (name.startsWith("lines.")) return meta.sections["lines"]?.fields[name.slice(6)] ?? null;
  const own = meta.fields[name];
  if (own) {
    const track = meta.tracks.find((one) => one.field === name);
    return track && !own.choices?.length ? { ...own, kind: "state", choices: track.states } : track ? { ...own, choices: toned(own, track.states) } : own;
  }
  const track = meta.tracks.find((one) => one.field === name);
  return track ? { kind: "state", label: track.label, choices: track.states } : null;
}

function toned(field: Field, states: Meta["tracks"][number]["states"]): Field["choices"] {
  return (field.choices ?? []).map((choice) => ({ ...choice, tone: states.find((state) => state.value === choice.value)?.tone }));
}

/** Every column there could be, chosen ones first in their order; hidden ones carry their mark. */
export function columnsOf(meta: Meta, prefs: ListPrefs): Column[] {
  const all = [...new Set([...meta.columns, ...meta.tracks.map((track) => track.field), ...Object.keys(meta.fields)])].filter((name) => !ALWAYS.has(name));
  const chosen = prefs.columns.filter((one) => all.includes(one.name));
  const named = new Set(chosen.map((one) => one.name));
  const rest = all.filter((name) => !named.has(name)).map((name): ColumnPref => ({
    name, hidden: prefs.columns.length > 0 || !meta.columns.includes(name),
  }));
  return [...chosen, ...rest].flatMap(({ name, width, hidden }) => {
    const field = fieldOf(meta, name);
    return field ? [{ name, field, width: width ?? widthOf(field), hidden: hidden ?? false }] : [];
  });
}

export function prefsOf(columns: Column[]): ColumnPref[] {
  return columns.map(({ name, width, hidden, field }) => ({
    name, ...(width === widthOf(field) ? {} : { width }), ...(hidden ? { hidden } : {}),
  }));
}

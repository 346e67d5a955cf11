/** Three versions of one document: the one both began from, mine, and theirs; where they differ and how they join. */
import type { DocumentBody, Field, FieldValue, LineBody } from "@/types";

import { sameValue, type Line } from "./editing";

export interface Difference {
  key: string;
  label: string;
  /** Line number in mine, or in theirs for a line I do not have. */
  no: number | null;
  field: Field | null;
  mine: FieldValue;
  theirs: FieldValue;
  mineChanged: boolean;
  /** A whole line that one side added or removed. */
  whole?: "added" | "removed";
}

export interface Mine { header: Record<string, FieldValue>; lines: readonly Line[] }
interface Shape { fields: Record<string, Field>; lineFields: Record<string, Field>; typable: (field: Field) => boolean; linesLabel: string }

export function differences(base: DocumentBody, mine: Mine, theirs: DocumentBody, shape: Shape): Difference[] {
  const found: Difference[] = [];
  for (const [name, field] of Object.entries(shape.fields)) {
    if (!shape.typable(field) || sameValue(mine.header[name], theirs[name])) continue;
    found.push({ key: name, label: field.label, no: null, field, mine: mine.header[name] ?? null, theirs: (theirs[name] ?? null) as FieldValue, mineChanged: !sameValue(mine.header[name], base[name]) });
  }
  const baseLines = new Map((base.lines ?? []).map((line) => [line.id, line]));
  const theirLines = new Map((theirs.lines ?? []).map((line) => [line.id, line]));
  mine.lines.forEach((line, index) => {
    const other = line.id ? theirLines.get(line.id) : undefined;
    if (line.id && !other) {
      found.push({ key: `-${line.id}`, label: shape.linesLabel, no: index + 1, field: null, mine: null, theirs: null, mineChanged: false, whole: "removed" });
      return;
    }
    if (!other) return;
    const was = baseLines.get(line.id);
    for (const [name, field] of Object.entries(shape.lineFields)) {
      if (!shape.typable(field) || sameValue(line.values[name], other[name])) continue;
      found.push({ key: `${line.id}.${name}`, label: field.label, no: index + 1, field, mine: line.values[name] ?? null, theirs: (other[name] ?? null) as FieldValue, mineChanged: !was || !sameValue(line.values[name], was[name]) });
    }
  });
  const myIds = new Set(mine.lines.map((line) => line.id).filter(Boolean));
  (theirs.lines ?? []).forEach((line, index) => {
    if (line.id && !myIds.has(line.id)) {
      // I removed it when it was there before; otherwise they added it.
      found.push({ key: `+${line.id}`, label: shape.linesLabel, no: index + 1, field: null, mine: null, theirs: null, mineChanged: baseLines.has(line.id), whole: "added" });
    }
  });
  return found;
}

/** Mine with theirs taken where chosen. New lines of mine stay. */
export function merged(mine: Mine, theirs: DocumentBody, choice: Record<string, "mine" | "theirs">, fromBody: (line: LineBody) => Line): Mine {
  const header = { ...mine.header };
  const theirLines = new Map((theirs.lines ?? []).map((line) => [line.id, line]));
  for (const [key, side] of Object.entries(choice)) {
    if (side === "theirs" && !key.includes(".") && !key.startsWith("+") && !key.startsWith("-")) header[key] = (theirs[key] ?? null) as FieldValue;
  }
  const lines = mine.lines.flatMap((line) => {
    if (!line.id) return [line];
    const other = theirLines.get(line.id);
    if (!other) return choice[`-${line.id}`] === "mine" ? [{ ...line, id: undefined }] : [];
    const values = { ...line.values };
    for (const name of Object.keys(values)) if (choice[`${line.id}.${name}`] === "theirs") values[name] = (other[name] ?? null) as FieldValue;
    return [{ ...line, values }];
  });
  for (const line of theirs.lines ?? []) if (line.id && choice[`+${line.id}`] === "theirs") lines.push(fromBody(line));
  return { header, lines };
}

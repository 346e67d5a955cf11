/** What every part of the line grid stands on: the lines, the columns as they are shown, and whether they may be typed into. */
import type { ComputedRef } from "vue";

import type { Editing, Line } from "@/form/editing";
import type { Words } from "@/format";
import type { Field } from "@/types";

export interface GridColumn { name: string; field: Field; typable: boolean; right: boolean; label: string }

export interface Ground {
  editing: Editing;
  lines: ComputedRef<readonly Line[]>;
  columns: ComputedRef<GridColumn[]>;
  typable: ComputedRef<boolean[]>;
  /** Lines, and the blank row after the last one, which is there to be typed into. */
  rowCount: ComputedRef<number>;
  readonly: () => boolean;
  code: () => string;
  t: Words;
}

export function lineAt({ lines, editing }: Ground, row: number): Line {
  return lines.value[row] ?? editing.newLine();
}

export function setLine({ lines, editing }: Ground, row: number, line: Line): void {
  const next = [...lines.value];
  next[Math.min(row, next.length)] = line;
  editing.setLines(next);
}

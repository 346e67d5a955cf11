/** What can be done to the lines the block spans: clear, fill down, remove, insert. Each is one act that can be undone. */
import type { Line } from "@/form/editing";
import type { FieldValue } from "@/types";

import type { Cursor } from "./cursor";
import { lineAt, setLine, type Ground, type GridColumn } from "./ground";
import { firstTypable } from "./walk";

export function useActs(ground: Ground, cursor: Cursor) {
  const { editing, lines, columns, typable } = ground;
  const { at, block, column, go } = cursor;

  function inBlock(change: (line: Line, names: GridColumn[], row: number) => Line): void {
    const area = block.value;
    if (!area || ground.readonly()) return;
    const names = columns.value.slice(area.left, area.right + 1).filter((one) => one.typable);
    editing.setLines(lines.value.map((line, row) => (row >= area.top && row <= area.bottom ? change(line, names, row) : line)));
  }
  function clear(): void {
    inBlock((line, names) => {
      const values = { ...line.values };
      const bad = { ...line.bad };
      for (const { name } of names) {
        values[name] = null;
        Reflect.deleteProperty(bad, name);
      }
      return { ...line, values, bad };
    });
  }
  /** Ctrl+D: the cell above; a block is filled from its first row. */
  function fillDown(): void {
    const area = block.value;
    if (!area || ground.readonly()) return;
    if (area.top === area.bottom && area.top === lines.value.length && area.top > 0) {
      editing.setLines([...lines.value, editing.newLine()]);
    }
    const source = lines.value[area.top === area.bottom ? area.top - 1 : area.top];
    if (!source) return;
    inBlock((line, names, row) => {
      if (line === source || (area.top !== area.bottom && row === area.top)) return line;
      const values = { ...line.values };
      const bad = { ...line.bad };
      for (const { name } of names) {
        values[name] = source.values[name] as FieldValue;
        Reflect.deleteProperty(bad, name);
        const wrong = source.bad[name];
        if (wrong) bad[name] = wrong;
      }
      return { ...line, values, bad };
    });
  }
  function flip(): void {
    if (!at.value || !column.value?.typable) return;
    const line = lineAt(ground, at.value.row);
    setLine(ground, at.value.row, { ...line, values: { ...line.values, [column.value.name]: line.values[column.value.name] !== true } });
  }
  function removeLines(): void {
    const area = block.value;
    if (!area || ground.readonly()) return;
    editing.setLines(lines.value.filter((_line, row) => row < area.top || row > area.bottom));
    go({ row: Math.min(area.top, Math.max(0, lines.value.length - 1)), col: at.value?.col ?? 0 });
  }
  function insertAt(row: number): void {
    if (ground.readonly()) return;
    const next = [...lines.value];
    next.splice(row, 0, editing.newLine());
    editing.setLines(next);
    go({ row, col: firstTypable(typable.value) });
  }
  const insertBelow = (): void => insertAt(at.value ? Math.min(at.value.row + 1, lines.value.length) : lines.value.length);
  const insertAbove = (): void => insertAt(at.value ? Math.min(at.value.row, lines.value.length) : 0);
  function selectAll(): void {
    cursor.select({ row: 0, col: 0 }, { row: Math.max(0, lines.value.length - 1), col: columns.value.length - 1 });
  }

  return { clear, fillDown, flip, removeLines, insertBelow, insertAbove, selectAll };
}

export type Acts = ReturnType<typeof useActs>;

/** Where the cursor of a grid goes next. Pure: rows are counted, columns know whether they can be typed into. */

export interface Cell { row: number; col: number }

/** The next cell that can be typed, left to right, then the next line; `row === rows` asks for a new line. */
export function nextTypable(at: Cell, typable: readonly boolean[], rows: number, backwards = false): Cell | null {
  const columns = typable.length;
  if (!typable.some(Boolean)) return null;
  let { row, col } = at;
  const by = backwards ? -1 : 1;
  for (;;) {
    col += by;
    if (col >= columns) {
      col = 0;
      row += 1;
    } else if (col < 0) {
      col = columns - 1;
      row -= 1;
    }
    if (row < 0) return null;
    if (row >= rows) return { row: rows, col: firstTypable(typable) };
    if (typable[col]) return { row, col };
  }
}

export function firstTypable(typable: readonly boolean[]): number {
  return Math.max(0, typable.indexOf(true));
}

/** An arrow key: one cell, or to the edge with Ctrl. Never leaves the grid. */
export function arrow(at: Cell, key: string, toEdge: boolean, rows: number, columns: number): Cell {
  const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value));
  switch (key) {
    case "ArrowUp": return { row: toEdge ? 0 : clamp(at.row - 1, rows - 1), col: at.col };
    case "ArrowDown": return { row: toEdge ? rows - 1 : clamp(at.row + 1, rows - 1), col: at.col };
    case "ArrowLeft": return { row: at.row, col: toEdge ? 0 : clamp(at.col - 1, columns - 1) };
    case "ArrowRight": return { row: at.row, col: toEdge ? columns - 1 : clamp(at.col + 1, columns - 1) };
    case "Home": return { row: toEdge ? 0 : at.row, col: 0 };
    case "End": return { row: toEdge ? rows - 1 : at.row, col: columns - 1 };
    case "PageUp": return { row: clamp(at.row - 10, rows - 1), col: at.col };
    case "PageDown": return { row: clamp(at.row + 10, rows - 1), col: at.col };
    default: return at;
  }
}

export interface Block { top: number; bottom: number; left: number; right: number }

export function blockOf(a: Cell, b: Cell): Block {
  return { top: Math.min(a.row, b.row), bottom: Math.max(a.row, b.row), left: Math.min(a.col, b.col), right: Math.max(a.col, b.col) };
}

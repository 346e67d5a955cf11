/** The grid's keys: walking, editing, blocks and undo, as spreadsheets have them. */
import { awaited } from "@/inputs/lookup";

import type { Acts } from "./acts";
import type { Cursor } from "./cursor";
import type { Ground } from "./ground";
import type { Typing } from "./typing";
import { arrow, nextTypable, type Cell } from "./walk";

const ARROWS = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);

export function useKeys(ground: Ground, cursor: Cursor, typing: Typing, acts: Acts) {
  const { editing, columns, typable, rowCount } = ground;
  const { at, column, go, mode, raw, single } = cursor;

  /** What is typed or pointed at while the server is asked what a word means (a scanner, a quick hand) is done when it
   * has answered, in the order it came. */
  const ahead: ({ key: string; backwards: boolean } | { cell: Cell; extend: boolean })[] = [];
  let leaving: Promise<void> | null = null;
  function leave(first: (typeof ahead)[number]): Promise<void> {
    ahead.push(first);
    leaving ??= awaited(catchUp()).finally(() => (leaving = null));
    return leaving;
  }
  async function catchUp(): Promise<void> {
    for (let next = ahead.shift(); next; next = ahead.shift()) {
      if ("cell" in next) {
        await typing.commit(false);
        go(next.cell, next.extend);
      } else if (next.key === "Enter") {
        await typing.commit();
        // To where the mouse points, when it was quicker.
        if (!(ahead[0] && "cell" in ahead[0])) cursor.walk(next.backwards);
      } else typing.begin((mode.value === "edit" ? raw.value : "") + next.key);
    }
  }

  async function whileTyping(event: KeyboardEvent): Promise<void> {
    if (!at.value) return;
    if (event.key === "Enter" || event.key === "Tab") {
      event.preventDefault();
      await leave({ key: "Enter", backwards: event.shiftKey });
    } else if (event.key === "Escape") {
      event.stopPropagation();
      typing.stop();
      go(at.value);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (typing.picking.value) {
        typing.light(event.key === "ArrowDown" ? 1 : -1);
      } else {
        const cell = at.value;
        await typing.commit(false);
        go(arrow(cell, event.key, false, rowCount.value, columns.value.length));
      }
    }
  }

  /** Enter and Tab between cells; false where the key belongs to the page. */
  function onwards(event: KeyboardEvent, command: boolean): boolean {
    if (!at.value) return false;
    if (event.key === "Enter" && command) acts.insertBelow();
    else if (ground.readonly()) {
      if (event.key === "Tab") return false;
      go({ row: at.value.row + 1, col: at.value.col });
    } else {
      // Leaving backwards out of the first cell gives the focus back to the form above.
      const next = nextTypable(at.value, typable.value, rowCount.value, event.shiftKey);
      if (!next) return false;
      if (next.row >= rowCount.value && event.key === "Tab") return false;
      go({ row: Math.min(next.row, rowCount.value - 1), col: next.col });
    }
    return true;
  }

  /** To a cell the mouse points at; later, when a word is being looked up. */
  async function point(cell: Cell, extend: boolean): Promise<void> {
    if (leaving || mode.value === "edit") await leave({ cell, extend });
    else go(cell, extend);
  }

  async function key(event: KeyboardEvent): Promise<void> {
    if (event.isComposing || !at.value) return;
    const command = event.ctrlKey || event.metaKey;
    if (leaving && !command) {
      event.preventDefault();
      if (event.key === "Enter" || event.key === "Tab") ahead.push({ key: "Enter", backwards: event.shiftKey });
      else if (event.key.length === 1) ahead.push({ key: event.key, backwards: false });
      return;
    }
    if (mode.value === "edit") return whileTyping(event);
    const lower = event.key.toLowerCase();
    if (ARROWS.has(event.key) && !event.altKey) go(arrow(at.value, event.key, command, rowCount.value, columns.value.length), event.shiftKey);
    else if (event.key === "Enter" || event.key === "Tab") {
      if (!onwards(event, command)) return;
    } else if (event.key === "F2") typing.edit();
    else if (event.key === "Escape") {
      if (single.value) return;
      go(at.value);
    } else if (command && lower === "a") acts.selectAll();
    else if (ground.readonly()) return;
    else if (command && lower === "z") {
      if (event.shiftKey) editing.stepForward();
      else editing.stepBack();
    } else if (command && lower === "y") editing.stepForward();
    else if (command && lower === "d") acts.fillDown();
    else if (command && event.key === "Delete") acts.removeLines();
    else if (event.key === "Delete" || event.key === "Backspace") acts.clear();
    else if (event.key === " " && column.value?.field.kind === "boolean") acts.flip();
    else if (event.altKey && event.key === "ArrowDown") typing.edit();
    else return;
    event.preventDefault();
  }

  return { key, point };
}

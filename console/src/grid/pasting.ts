/** Blocks to and from a spreadsheet, and the texts in them that mean nothing yet. */
import { computed, ref, watch } from "vue";

import { complain } from "@/complain";
import { resolve } from "@/server";
import type { LookupRow } from "@/types";

import type { Acts } from "./acts";
import { parseBlock, planPaste, toBlock } from "./clipboard";
import type { Cursor } from "./cursor";
import type { Ground } from "./ground";
import { applyPlan, copied, repair, toResolve, unknownIn, type Resolved, type Unknown } from "./paste";

export function usePasting(ground: Ground, cursor: Cursor, acts: Acts) {
  const { editing, lines, columns, t } = ground;
  const { at, block, mode, go, focusFirst } = cursor;
  const unknown = ref<Unknown[]>([]);
  const notice = ref("");
  const working = ref(false);

  function copy(event: ClipboardEvent, cut = false): void {
    const area = block.value;
    if (mode.value === "edit" || !area) return;
    event.preventDefault();
    const names = columns.value.slice(area.left, area.right + 1);
    const rows = lines.value.slice(area.top, area.bottom + 1).map((line) => names.map(({ name, field }) => copied(line, name, field)));
    event.clipboardData?.setData("text/plain", toBlock(rows));
    if (cut && !ground.readonly()) acts.clear();
  }
  async function paste(event: ClipboardEvent): Promise<void> {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (mode.value === "edit" && !/[\t\n]/.test(text.trim())) return;
    event.preventDefault();
    if (!at.value || ground.readonly()) return;
    if (mode.value === "edit") go(at.value);
    await pasteText(text);
  }
  async function pasteText(text: string): Promise<void> {
    if (!at.value) focusFirst();
    const cell = block.value;
    if (!cell || ground.readonly() || working.value) return;
    const rows = parseBlock(text);
    if (!rows.length) return;
    const plan = planPaste(rows, columns.value, cell.left);
    if (!plan.cells.length) {
      notice.value = t("grid.nothingPasted");
      return;
    }
    working.value = true;
    const resolved: Resolved = new Map();
    try {
      for (const [code, values] of toResolve(plan, editing.lineFields.value)) {
        const answer = await resolve(code, values);
        resolved.set(code, new Map(Object.entries(answer.found)));
      }
    } catch (error) {
      // What nobody was asked about is not unknown: the block stays in the clipboard, to be pasted again.
      return complain(error);
    } finally {
      working.value = false;
    }
    const done = applyPlan(editing, plan, cell.top, resolved, t);
    editing.setLines(done.lines);
    unknown.value = done.unknown;
    notice.value = [
      t(plan.byHeading ? "grid.pastedByHeading" : "grid.pasted", { n: plan.rows }),
      plan.ignored.length ? t("grid.ignored", { what: plan.ignored.join(t("word.comma")) }) : "",
    ].filter(Boolean).join(" ");
  }
  async function fromClipboard(): Promise<void> {
    try {
      await pasteText(await navigator.clipboard.readText());
    } catch {
      notice.value = t("grid.pasteByKey");
      focusFirst();
    }
  }

  const waiting = computed(() => unknownIn(lines.value, editing.lineFields.value));
  function repaired(one: Unknown, row: LookupRow): void {
    editing.setLines(repair(editing, lines.value, one, row, t));
    unknown.value = unknownIn(lines.value, editing.lineFields.value);
  }
  function repairNow(): void {
    unknown.value = waiting.value;
  }

  let timer = 0;
  watch(notice, (text) => {
    window.clearTimeout(timer);
    if (text) timer = window.setTimeout(() => (notice.value = ""), 6000);
  });

  return { unknown, notice, working, waiting, copy, paste, pasteText, fromClipboard, repaired, repairNow };
}

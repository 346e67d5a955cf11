/** Where the grid's cursor is, what block it spans, and what part of the rows is in the page. */
import { computed, nextTick, onActivated, onBeforeUnmount, onMounted, ref, useTemplateRef, watch } from "vue";

import type { Ground } from "./ground";
import { blockOf, firstTypable, nextTypable, type Cell } from "./walk";

export const ROW = 34;
export const HEAD = 34;

export function useCursor(ground: Ground, hasFoot: () => boolean) {
  const { lines, columns, typable, rowCount } = ground;
  const box = useTemplateRef<HTMLElement>("box");
  const input = useTemplateRef<HTMLInputElement>("input");
  const heads = useTemplateRef<HTMLElement[]>("heads");
  const top = ref(0);
  const height = ref(400);
  const room = ref(0);
  const from = computed(() => Math.max(0, Math.floor(top.value / ROW) - 6));
  const to = computed(() => Math.min(rowCount.value, Math.ceil((top.value + height.value) / ROW) + 6));
  const windowed = computed(() => Array.from({ length: Math.max(0, to.value - from.value) }, (_n, index) => from.value + index));

  const at = ref<Cell | null>(null);
  const anchor = ref<Cell | null>(null);
  const mode = ref<"ready" | "edit">("ready");
  const raw = ref("");
  const overlay = ref({ left: 0, width: 0, top: 0 });
  const focused = ref(false);
  const block = computed(() => (at.value ? blockOf(at.value, anchor.value ?? at.value) : null));
  const column = computed(() => (at.value ? columns.value[at.value.col] ?? null : null));
  const single = computed(() => !block.value || (block.value.top === block.value.bottom && block.value.left === block.value.right));

  function scrolled(): void {
    top.value = box.value?.scrollTop ?? 0;
  }
  function measure(): void {
    height.value = box.value?.clientHeight ?? 400;
    room.value = box.value?.clientWidth ?? 0;
    const head = at.value ? heads.value?.[at.value.col] : undefined;
    if (head && at.value) overlay.value = { left: head.offsetLeft, width: head.offsetWidth, top: HEAD + at.value.row * ROW };
  }
  function reveal(): void {
    const host = box.value;
    if (!host || !at.value) return;
    const y = at.value.row * ROW;
    const view = host.clientHeight - HEAD - (hasFoot() ? ROW : 0);
    if (y < host.scrollTop) host.scrollTop = y;
    else if (y + ROW > host.scrollTop + view) host.scrollTop = y + ROW - view;
    const { left, width } = overlay.value;
    if (left - 44 < host.scrollLeft) host.scrollLeft = left - 44;
    else if (left + width > host.scrollLeft + host.clientWidth) host.scrollLeft = left + width - host.clientWidth;
  }
  function go(cell: Cell, extend = false): void {
    if (!extend) anchor.value = null;
    else anchor.value ??= at.value;
    at.value = { row: Math.max(0, Math.min(rowCount.value - 1, cell.row)), col: cell.col };
    mode.value = "ready";
    raw.value = "";
    measure();
    reveal();
    input.value?.focus({ preventScroll: true });
  }
  /** Make the block reach from where it began to this cell. */
  function stretch(cell: Cell): void {
    if (!at.value) return;
    anchor.value ??= at.value;
    at.value = cell;
    measure();
  }
  function select(from: Cell, to: Cell): void {
    anchor.value = from;
    at.value = to;
  }
  function focusCell(line: string | null, field: string): void {
    const row = line ? lines.value.findIndex((one) => one.key === line) : 0;
    const col = columns.value.findIndex((one) => one.name === field);
    go({ row: Math.max(0, row), col: col < 0 ? firstTypable(typable.value) : col });
    void nextTick(() => input.value?.scrollIntoView({ block: "nearest" }));
  }
  function focusFirst(): void {
    go({ row: 0, col: firstTypable(typable.value) });
  }
  /** To the next cell that can be typed into. */
  function walk(backwards: boolean): void {
    if (!at.value) return;
    const next = nextTypable(at.value, typable.value, rowCount.value, backwards);
    if (next) go({ row: Math.min(next.row, rowCount.value - 1), col: next.col });
  }

  // What was typed has become the cell's, however it was left: the next cell begins empty, and so does the same one.
  watch([mode, at], () => {
    if (mode.value === "ready" && input.value) input.value.value = "";
  }, { flush: "sync" });
  watch(rowCount, (count) => {
    if (at.value && at.value.row >= count) at.value = { ...at.value, row: count - 1 };
  });
  const observer = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(measure);
  onMounted(() => {
    measure();
    if (box.value) observer?.observe(box.value);
  });
  onActivated(() => {
    if (box.value) box.value.scrollTop = top.value;
  });
  onBeforeUnmount(() => observer?.disconnect());

  return { box, input, heads, room, from, to, windowed, at, mode, raw, overlay, focused, block, column, single, scrolled, measure, go, stretch, select, focusCell, focusFirst, walk };
}

export type Cursor = ReturnType<typeof useCursor>;

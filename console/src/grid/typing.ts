/** What is being typed into the current cell, what the picker under it offers, and how it becomes the cell's value. */
import { computed, nextTick, ref } from "vue";

import { awaited, meant, useLookup } from "@/inputs/lookup";
import type { Option } from "@/inputs/Options.vue";
import { isRef } from "@/kinds/ref";
import type { LookupRow } from "@/types";

import type { Cursor } from "./cursor";
import { lineAt, setLine, type Ground } from "./ground";
import { put, textOf, type Resolved } from "./paste";

export function useTyping(ground: Ground, cursor: Cursor) {
  const { editing, lines, t } = ground;
  const { at, column, input, mode, raw } = cursor;
  const { rows: found, busy, failed, search, settle, stop } = useLookup(() => column.value?.field.ref ?? "", () => `${ground.code()}.lines.${column.value?.name ?? ""}`,
    () => Object.fromEntries(Object.entries(editing.header).flatMap(([name, value]) => (isRef(value) ? [[name, value.id]] : []))));
  const lit = ref(0);
  const picking = computed(() => mode.value === "edit" && (column.value?.field.kind === "ref" || column.value?.field.kind === "choice"));
  const options = computed<Option[]>(() => {
    const field = column.value?.field;
    if (field?.kind === "choice") {
      const word = raw.value.trim().toLowerCase();
      return (field.choices ?? []).filter((one) => !word || one.label.toLowerCase().includes(word)).map((one) => ({ key: one.value, name: one.label, value: one.value }));
    }
    return found.value.map((row) => ({ key: row.id, name: row.name, code: row.code, hint: row.hint, figures: row.figures, value: row }));
  });
  const emptyText = computed(() => (failed.value ? t("error.noAnswer") : busy.value ? t("word.searching") : t("field.notFound")));

  function begin(text: string, select = false): void {
    if (!column.value?.typable || ground.readonly()) return;
    mode.value = "edit";
    raw.value = text;
    lit.value = 0;
    if (at.value) cursor.select(at.value, at.value);
    if (column.value.field.kind === "ref") search(text);
    void nextTick(() => {
      if (!input.value) return;
      if (input.value.value !== text) input.value.value = text;
      if (select) input.value.select();
    });
  }
  function edit(): void {
    if (!at.value || !column.value) return;
    begin(textOf(lines.value[at.value.row], column.value.name, column.value.field), true);
    if (column.value.field.kind === "ref") search("");
  }
  function typed(event: Event): void {
    const text = (event.target as HTMLInputElement).value;
    if (mode.value === "ready") {
      if (!text) return;
      if (!column.value?.typable) {
        (event.target as HTMLInputElement).value = "";
        return;
      }
      begin(text);
      return;
    }
    raw.value = text;
    lit.value = 0;
    if (column.value?.field.kind === "ref") search(text);
  }

  function choose(row: LookupRow): void {
    if (!at.value || !column.value) return;
    const resolved: Resolved = new Map([[column.value.field.ref ?? "", new Map([[row.name, row]])]]);
    setLine(ground, at.value.row, put(editing, lineAt(ground, at.value.row), column.value.name, row.name, resolved, t));
  }

  /** What is being typed becomes the cell's value; a click elsewhere while the server is asked waits for the same answer. */
  let running: Promise<void> | null = null;
  function commit(byEnter = true): Promise<void> {
    running ??= awaited(settleCell(byEnter)).finally(() => (running = null));
    return running;
  }
  async function settleCell(byEnter: boolean): Promise<void> {
    if (mode.value !== "edit" || !at.value || !column.value) return;
    const { name, field } = column.value;
    const cell = at.value;
    const text = raw.value.trim();
    const before = lines.value[cell.row];
    if (text === textOf(before, name, field).trim() && !before?.bad[name]?.unasked && !(picking.value && lit.value > 0)) {
      mode.value = "ready";
      stop();
      return;
    }
    if (field.kind === "ref" && text) {
      const rows = await settle(raw.value);
      const row = meant(rows, text) ?? (byEnter ? rows[lit.value] : undefined);
      const resolved: Resolved = new Map(failed.value ? [] : [[field.ref ?? "", new Map(row ? [[text, row]] : [])]]);
      mode.value = "ready";
      stop();
      setLine(ground, cell.row, put(editing, lineAt(ground, cell.row), name, text, resolved, t));
      return;
    }
    mode.value = "ready";
    const chosen = field.kind === "choice" && byEnter ? options.value[lit.value] : undefined;
    setLine(ground, cell.row, put(editing, lineAt(ground, cell.row), name, chosen && text ? chosen.name : text, new Map(), t));
  }

  async function pick(index: number): Promise<void> {
    const option = options.value[index];
    if (!option || !at.value || !column.value) return;
    mode.value = "ready";
    stop();
    if (column.value.field.kind === "ref") choose(option.value as LookupRow);
    else setLine(ground, at.value.row, put(editing, lineAt(ground, at.value.row), column.value.name, option.name, new Map(), t));
    cursor.walk(false);
  }

  function light(by: number): void {
    lit.value = (lit.value + by + options.value.length) % Math.max(1, options.value.length);
  }

  return { busy, lit, picking, options, emptyText, begin, edit, typed, commit, pick, light, stop };
}

export type Typing = ReturnType<typeof useTyping>;

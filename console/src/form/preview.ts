/** Asks the server, shortly after something changed that others hang on, what saving would make of it, and fills that in. */
import { computed, onScopeDispose, watch } from "vue";

import { NoAnswer, Refused, write } from "@/api";
import type { Field, Preview } from "@/types";

import { isEmpty } from "./given";
import type { OpenRecord } from "./record";

const PAUSE_MS = 220;
/** Kinds that nothing hangs on: a note does not change a price. */
const IDLE = new Set<Field["kind"]>(["text", "longtext", "code", "phone", "tags"]);

export function usePreview(record: OpenRecord) {
  const { props, meta, editing, ready, canEdit, saved } = record;

  /** All that an answer hangs on, as one text; blank where nothing is to be asked. */
  const print = computed(() => {
    if (!ready.value || !canEdit.value || !meta.value.fills) return "";
    const { body } = editing.body();
    const told = (values: Record<string, unknown>, fields: Record<string, Field>): [string, unknown][] =>
      Object.entries(values).filter(([name, value]) => fields[name] && !IDLE.has(fields[name].kind) && !isEmpty(value as string));
    const lines = (body["lines"] ?? []) as Record<string, unknown>[];
    return JSON.stringify([told(body, meta.value.fields), lines.map((line) => [line["id"], told(line, editing.lineFields.value)])]);
  });

  let answered = "";
  let timer = 0;
  let latest = 0;
  let running: Promise<void> = Promise.resolve();

  async function ask(): Promise<void> {
    timer = 0;
    const mine = (latest += 1);
    const asking = print.value;
    const asked = editing.lines.value;
    const head = { ...editing.header };
    const { body, keys } = editing.body();
    try {
      const said = await write<Preview>("POST", `${props.code}/preview`, props.id ? { ...body, id: props.id } : body, { quiet: true });
      if (mine !== latest) return;
      // A field that has been cleared since then is not to be filled with what it was.
      const header = Object.fromEntries(Object.entries(said.header).filter(([name]) => editing.header[name] === head[name]));
      editing.complete({ ...said, header }, asked, keys);
      answered = asking;
    } catch (error) {
      // Saving will say what is wrong, or that nobody answers; until then it is only not filled in.
      if (!(error instanceof Refused || error instanceof NoAnswer)) throw error;
    }
  }
  function askNow(): void {
    window.clearTimeout(timer);
    running = ask();
  }

  // A saved record is as the server has it; a new one may already be completed.
  watch([ready, saved], () => {
    if (ready.value && saved.value) answered = print.value;
  }, { immediate: true, flush: "post" });
  watch(print, (now) => {
    window.clearTimeout(timer);
    timer = 0;
    if (now) timer = window.setTimeout(() => (print.value === answered ? (timer = 0) : askNow()), PAUSE_MS);
  }, { immediate: true });
  onScopeDispose(() => {
    window.clearTimeout(timer);
    latest += 1;
  });

  /** Resolves once what was typed has been answered. */
  async function settled(): Promise<void> {
    if (timer) askNow();
    await running;
  }

  return { settled };
}

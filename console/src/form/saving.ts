/** Saving a record, and what happens to a refusal: marked at its fields, or sorted out when somebody else was quicker. */
import { nextTick, shallowRef } from "vue";
import { useI18n } from "vue-i18n";

import { Act, NoAnswer, Refused, get } from "@/api";
import { complain, say } from "@/complain";
import { currentLocale } from "@/i18n";
import { show } from "@/kind";
import { usePlace } from "@/place";
import { understood } from "@/inputs/lookup";
import { client } from "@/server";
import { useSession } from "@/session";
import type { Change, DocumentBody, FieldValue, Step } from "@/types";

import { sameValue, type Mark } from "./editing";
import { differences, merged, type Difference } from "./merge";
import type { OpenRecord } from "./record";

/** `jump` puts the cursor where a problem is; `reveal` shows the summary of several; `settled` waits for what is being filled in. */
export function useSaving(record: OpenRecord, view: { jump: (mark: Mark) => Promise<void>; reveal: () => void; settled: () => Promise<void> }) {
  const { props, meta, editing, busy } = record;
  const { t } = useI18n();
  const place = usePlace();
  const session = useSession();
  const act = new Act();

  /** What is being typed becomes the record's, also where the server is still asked what a word means. */
  async function typed(): Promise<void> {
    await understood();
    const held = document.activeElement;
    if (held instanceof HTMLInputElement || held instanceof HTMLTextAreaElement) held.blur(); // a button keeps the keyboard
    await nextTick();
    await understood();
  }
  /** Save; with `then`, take that step in the same act: both happen, or neither. */
  async function save(asDraft = false, then: Step | null = null): Promise<boolean> {
    if (busy.value || !record.ready.value) return false;
    busy.value = true;
    try {
      await typed();
      await nextTick();
      await view.settled();
      return await send(asDraft, then);
    } finally {
      busy.value = false;
    }
  }
  async function send(asDraft: boolean, then: Step | null): Promise<boolean> {
    const known = editing.known((label) => t("parse.required", { label })).filter((mark) => !asDraft || mark.code === "unread");
    if (known.length) {
      editing.marks.value = known;
      if (known[0]) await view.jump(known[0]);
      return false;
    }
    const { body, keys } = editing.body();
    if (asDraft) body["draft"] = true;
    try {
      const before = { ...editing.header };
      const options = then ? { query: { then: then.name } } : {};
      const doc = props.id
        ? await act.write<DocumentBody>("PUT", `${props.code}/${props.id}`, body, options)
        : await act.write<DocumentBody>("POST", props.code, body, options);
      record.accept(doc);
      tell(before, doc, then);
      if (!props.id) {
        client.setQueryData(["doc", session.place, currentLocale(), props.code, doc.id], doc);
        place.become(`/${props.code}/${doc.id}`);
      }
      return true;
    } catch (error) {
      await refused(error, keys);
      return false;
    }
  }
  /** The server's figures win, and a difference is said. */
  function tell(before: Record<string, FieldValue>, doc: DocumentBody, then: Step | null): void {
    const differing = Object.entries(meta.value.fields).filter(([name, field]) => field.formula && before[name] !== null && before[name] !== undefined && !/^0(\.0+)?$/.test(String(before[name])) && !sameValue(before[name], doc[name]));
    if (differing.length) say(t("doc.serverComputed", { what: differing.map(([name, field]) => `${field.label} ${show(doc[name] as FieldValue, field, { t })}`).join(t("word.comma")) }));
    else say(then ? t("doc.stepped", { step: then.label }) : t("doc.saved"));
  }

  /** `keys` are the keys of the lines that were sent, in order: the server speaks of lines by number. */
  async function refused(error: unknown, keys: string[]): Promise<void> {
    if (error instanceof NoAnswer) return complain(error);
    if (!(error instanceof Refused)) throw error;
    const stale = error.problems.find((problem) => problem.code === "stale");
    if (stale) return openStale(stale.changes ?? []);
    if (error.status === 403 || error.status === 404 || error.status === 429 || error.status >= 500 || error.problems.every((problem) => !problem.message)) return complain(error);
    editing.mark(error.problems, keys);
    await nextTick();
    view.reveal();
    const first = editing.marks.value.find((mark) => mark.field);
    if (first && editing.marks.value.length === 1) await view.jump(first);
  }

  // -- a stale version ---------------------------------------------------------------------------------------------
  const stale = shallowRef<{ changes: Change[]; theirs: DocumentBody; differences: Difference[] } | null>(null);
  async function openStale(changes: Change[], given?: DocumentBody): Promise<void> {
    try {
      const theirs = given ?? (await get<DocumentBody>(`${props.code}/${props.id}`));
      const base = editing.saved.value;
      if (!base) return;
      const mine = { header: { ...editing.header }, lines: editing.lines.value.filter((line) => !editing.blank(line)) };
      const linesLabel = meta.value.form.find((block) => block.of === "lines")?.label ?? "";
      const shape = { fields: meta.value.fields, lineFields: editing.lineFields.value, typable: editing.typable, linesLabel };
      stale.value = { changes, theirs, differences: differences(base, mine, theirs, shape) };
    } catch (error) {
      complain(error);
    }
  }
  async function settleStale(side: "mine" | "theirs" | "merge", choice: Record<string, "mine" | "theirs"> = {}): Promise<void> {
    const now = stale.value;
    if (!now) return;
    stale.value = null;
    record.newer.value = null;
    if (side === "theirs") return record.accept(now.theirs);
    const all = Object.fromEntries(now.differences.map((one) => [one.key, "mine" as const]));
    const mine = merged({ header: { ...editing.header }, lines: editing.lines.value }, now.theirs, side === "mine" ? all : choice, editing.fromBody);
    editing.saved.value = now.theirs;
    for (const [name, value] of Object.entries(mine.header)) editing.header[name] = value;
    editing.setLines(mine.lines);
    if (record.canEdit.value) await save();
  }

  return { act, typed, save, refused, stale, openStale, settleStale };
}

export type Saving = ReturnType<typeof useSaving>;

/** Saving a record, and what happens to a refusal: marked at its fields, or sorted out when somebody else was quicker. */
import { nextTick, shallowRef } from "vue";
import { useI18n } from "vue-i18n";

import { Act, NoAnswer, Refused, get } from "@/api";
import { complain, say } from "@/complain";
import { currentLocale } from "@/i18n";
import { show } from "@/kind";
import { isRef } from "@/kinds/ref";
import { usePlace } from "@/place";
import { understood } from "@/inputs/lookup";
import { client } from "@/server";
import { useSession } from "@/session";
import type { Change, DocumentBody, FieldValue, Ref, Step } from "@/types";

import { sameValue, type Mark } from "./editing";
import { differences, merged, type Difference } from "./merge";
import type { OpenRecord } from "./record";
import { ask, isUndone, sending, type Sent } from "./sent";

/** `jump` puts the cursor where a problem is; `settled` waits for what is being filled in. */
export function useSaving(record: OpenRecord, view: { jump: (mark: Mark) => Promise<void>; settled: () => Promise<void> }) {
  const { props, meta, editing, busy, unanswered } = record;
  const { t } = useI18n();
  const place = usePlace();
  const session = useSession();
  const act = new Act();

  /**
   * Act once all that is being typed is the record's, also where the server is still asked what a word means. The
   * cursor returns to where it stood, unless it has been put somewhere else.
   */
  async function typed<T>(then: () => Promise<T>): Promise<T> {
    await understood();
    const here = document.activeElement;
    if (here instanceof HTMLInputElement || here instanceof HTMLTextAreaElement) here.blur(); // a button keeps the keyboard
    await nextTick();
    await understood();
    try {
      return await then();
    } finally {
      await nextTick();
      if (here instanceof HTMLElement && here.matches("input, textarea") && here.isConnected && document.activeElement === document.body) here.focus({ preventScroll: true });
    }
  }
  /** Save; with `then`, take that step in the same act: both happen, or neither. */
  async function save(asDraft = false, then: Step | null = null): Promise<boolean> {
    if (busy.value || !record.ready.value) return false;
    busy.value = true;
    try {
      return await typed(async () => {
        await view.settled();
        return send(asDraft, then);
      });
    } finally {
      busy.value = false;
    }
  }
  async function send(asDraft: boolean, then: Step | null): Promise<boolean> {
    const known = editing.known((label) => t("parse.required", { label })).filter((mark) => !asDraft || mark.code === "unread");
    if (known.some((mark) => mark.code === "unread")) {
      // What cannot be read cannot be sent.
      editing.marks.value = known;
      await toFirst();
      return false;
    }
    const before = { ...editing.header };
    const { keys } = editing.body();
    try {
      const earlier = await hear();
      const left = earlier?.sent.then === then?.name ? null : then;
      const isAll = earlier && !editing.dirty.value && !left && (asDraft || !earlier.sent.body["draft"]);
      const doc = isAll ? earlier.doc : await write(asDraft, left);
      record.accept(doc);
      tell(before, doc, then);
      if (!props.id) become(doc);
      return true;
    } catch (error) {
      await refused(error, keys, known);
      return false;
    }
  }
  /** Ask for the answer to what was sent before and got none; what has been typed since is then a change of that. */
  async function hear(): Promise<{ sent: Sent; doc: DocumentBody } | null> {
    const sent = unanswered.value;
    if (!sent) return null;
    let doc: DocumentBody;
    try {
      doc = await ask(sent);
    } catch (error) {
      if (!isUndone(error)) throw error;
      unanswered.value = null;
      return null;
    }
    editing.rebase(doc, sent);
    record.forget();
    if (!props.id) become(doc);
    await nextTick();
    return { sent, doc };
  }
  async function write(asDraft: boolean, then: Step | null): Promise<DocumentBody> {
    const { body, keys } = editing.body();
    const now = editing.saved.value;
    const id = now?.id;
    if (asDraft && (!now || now.state === "draft")) body["draft"] = true;
    const sent = sending({ method: id ? "PUT" : "POST", path: id ? `${props.code}/${id}` : props.code, then: then?.name ?? null, body, keys });
    unanswered.value = sent;
    record.keepNow();
    try {
      return await ask(sent);
    } catch (error) {
      if (isUndone(error)) unanswered.value = null;
      throw error;
    }
  }
  function become(doc: DocumentBody): void {
    client.setQueryData(["doc", session.place, currentLocale(), props.code, doc.id], doc);
    place.become(`/${props.code}/${doc.id}`);
  }
  /** The server's figures win, and a difference is said. */
  function tell(before: Record<string, FieldValue>, doc: DocumentBody, then: Step | null): void {
    const differing = Object.entries(meta.value.fields).filter(([name, field]) => field.formula && before[name] !== null && before[name] !== undefined && !/^0(\.0+)?$/.test(String(before[name])) && !sameValue(before[name], doc[name]));
    if (differing.length) say(t("doc.serverComputed", { what: differing.map(([name, field]) => `${field.label} ${show(doc[name] as FieldValue, field, { t })}`).join(t("word.comma")) }));
    else say(then ? t("doc.stepped", { step: then.label }) : t("doc.saved"));
  }

  /** `keys` are the keys of the lines that were sent, in order: the server speaks of lines by number. */
  async function refused(error: unknown, keys: string[], known: Mark[] = []): Promise<void> {
    if (error instanceof NoAnswer) return complain(error);
    if (!(error instanceof Refused)) throw error;
    if (error.problems.some((problem) => problem.code === "stale")) return openStale(error.changes);
    if (error.status === 403 || error.status === 404 || error.status === 429 || error.status >= 500 || error.problems.every((problem) => !problem.message)) return complain(error);
    editing.mark(error.problems, keys, known);
    await toFirst();
  }
  async function toFirst(): Promise<void> {
    const first = editing.marks.value.find((mark) => mark.field);
    if (first) await view.jump(first);
  }

  // -- a stale version ---------------------------------------------------------------------------------------------
  const stale = shallowRef<{ by: Ref[]; theirs: DocumentBody; differences: Difference[] } | null>(null);
  async function openStale(changes: Change[], given?: DocumentBody): Promise<void> {
    try {
      const theirs = given ?? (await get<DocumentBody>(`${props.code}/${props.id}`));
      const base = editing.saved.value;
      if (!base) return;
      const mine = { header: { ...editing.header }, lines: editing.lines.value.filter((line) => !editing.blank(line)) };
      const linesLabel = meta.value.form.find((block) => block.of === "lines")?.label ?? "";
      const shape = { fields: meta.value.fields, lineFields: editing.lineFields.value, typable: editing.typable, linesLabel };
      const by = [...changes.map((change) => change.by), theirs["updated_by"] as Ref | null].filter(isRef);
      stale.value = { by: [...new Map(by.map((one) => [one.id, one])).values()], theirs, differences: differences(base, mine, theirs, shape) };
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

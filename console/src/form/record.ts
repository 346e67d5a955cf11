/**
 * One record that is open in a tab: loaded, kept while it is typed into, put back after a reload. Whoever shows it reads
 * and changes it through `editing`; `accept` takes in what the server answered to an act.
 */
import { useQuery } from "@tanstack/vue-query";
import { computed, onActivated, onBeforeUnmount, ref, shallowRef, watch } from "vue";
import { useI18n } from "vue-i18n";

import { Refused, get } from "@/api";
import { dropDraft, keepDraft, readDraft } from "@/drafts";
import { isoDate } from "@/format";
import { currentLocale } from "@/i18n";
import { usePlace } from "@/place";
import { client, useMeta } from "@/server";
import { useSession } from "@/session";
import type { DocumentBody, FieldValue, Meta } from "@/types";
import { confirmLoss } from "@/ui/confirm";

import { useEditing, type Line } from "./editing";
import { handedOver } from "./handover";
import type { Sent } from "./sent";

const EMPTY: Meta = { code: "", label: "", kind: "document", app: "", fields: {}, sections: {}, form: [], columns: [], find: [], sums: [], tracks: [], steps: [], pulls: [], pushes: [], leads: [], chained: false, can: {} };

export interface RecordProps { code: string; id?: string; draft?: string }

/** `begun` is called when a new document stands there, ready to be typed into. */
export function useRecord(props: Readonly<RecordProps>, begun: () => void) {
  const { t } = useI18n();
  const place = usePlace();
  const session = useSession();
  const metaQuery = useMeta(() => props.code);
  const meta = computed(() => metaQuery.data.value ?? EMPTY);
  const editing = useEditing(() => meta.value, () => isoDate(new Date()), () => {
    const member = session.session?.member;
    return meta.value.kind === "document" && member ? { owner: { id: member.id, name: member.name }, department: member.department } : {};
  });
  const busy = ref(false);
  const ready = ref(false);
  const restored = ref(false);
  const newer = ref<DocumentBody | null>(null);
  const unanswered = shallowRef<Sent | null>(null);
  const saved = computed(() => editing.saved.value);
  const canEdit = computed(() => (props.id ? Boolean(saved.value?.can?.edit ?? false) : meta.value.can.edit !== false));
  const path = computed(() => (props.id ? `/${props.code}/${props.id}` : `/${props.code}/new/${props.draft ?? ""}`));
  const title = computed(() => {
    if (!props.id) return t("doc.new", { what: meta.value.label });
    const doc = saved.value;
    return String(doc?.number ?? (meta.value.kind === "master" ? doc?.["name"] ?? doc?.["code"] : null) ?? t("doc.unnumbered"));
  });

  // -- loading -----------------------------------------------------------------------------------------------------
  const docQuery = useQuery({
    queryKey: computed(() => ["doc", session.place, currentLocale(), props.code, props.id ?? ""]),
    queryFn: () => get<DocumentBody>(`${props.code}/${props.id}`),
    enabled: computed(() => Boolean(props.id) && Boolean(metaQuery.data.value)),
  });
  const trouble = computed(() => metaQuery.error.value ?? docQuery.error.value);
  const missing = computed(() => trouble.value instanceof Refused && [403, 404].includes(trouble.value.status));
  /** Nobody begins what they may not save. */
  const denied = computed(() => !props.id && metaQuery.data.value?.can.edit === false);
  function reload(): void {
    void metaQuery.refetch();
    void docQuery.refetch();
  }

  function restore(): boolean {
    const kept = readDraft(session.place, path.value);
    if (!kept || !canEdit.value) return false;
    for (const name of Object.keys(editing.header)) if (name in kept.header) editing.header[name] = kept.header[name] as FieldValue;
    editing.lines.value = (kept.lines as Line[]).filter((line) => typeof line?.key === "string" && line.values && line.bad);
    unanswered.value = kept.sent;
    const now = editing.saved.value;
    if (now && kept.base && kept.base.version !== now.version) {
      // Typed over an older version: saving will be refused as stale, and the dialog sorts it out by that version.
      editing.saved.value = kept.base;
      if (!kept.sent) newer.value = now;
    }
    editing.computeHeader();
    return true;
  }
  function beginNew(draft: string): void {
    const body = handedOver(draft);
    editing.begin(body ?? {});
    if (!body) restored.value = restore();
    ready.value = true;
    begun();
  }
  function takeLoaded(doc: DocumentBody): void {
    if (!ready.value) {
      editing.take(doc);
      restored.value = restore() && editing.dirty.value;
      ready.value = true;
    } else if (doc.version !== editing.saved.value?.version || !editing.dirty.value) {
      if (unanswered.value) return;  // it may be what was sent from here
      if (editing.dirty.value) newer.value = doc;
      else editing.take(doc);
    }
  }
  watch([metaQuery.data, docQuery.data, () => props.draft], ([nowMeta, doc, draft]) => {
    if (!nowMeta) return;
    if (props.id) {
      if (doc && doc.id === props.id) takeLoaded(doc);
    } else if (!ready.value && draft && !denied.value) beginNew(draft);
  }, { immediate: true });
  onActivated(() => {
    if (props.id && ready.value && !busy.value) void docQuery.refetch();
  });

  /** Show what the server answered to an act; everything that lists or counts is asked again. */
  function accept(doc: DocumentBody): void {
    forget();
    editing.take(doc);
    newer.value = null;
    place.dirty(false);
    client.setQueryData(["doc", session.place, currentLocale(), props.code, doc.id], doc);
    for (const key of ["rows", "total", "home", "pull"]) void client.invalidateQueries({ queryKey: [key] });
  }

  // -- keeping what is typed ---------------------------------------------------------------------------------------
  let timer = 0;
  function keepNow(): void {
    window.clearTimeout(timer);
    if (!ready.value) return;
    if (editing.dirty.value || unanswered.value) {
      keepDraft(session.place, path.value, { header: { ...editing.header }, lines: [...editing.lines.value], base: editing.saved.value, sent: unanswered.value, at: new Date().toISOString() });
    } else {
      forget();
    }
  }
  function forget(): void {
    dropDraft(session.place, path.value);
    restored.value = false;
    unanswered.value = null;
  }
  watch([() => ({ ...editing.header }), editing.lines], () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(keepNow, 350);
  });
  watch(editing.dirty, (on) => place.dirty(on && canEdit.value), { immediate: false });
  window.addEventListener("pagehide", keepNow);
  onBeforeUnmount(() => {
    window.removeEventListener("pagehide", keepNow);
    if (!place.tab.value) dropDraft(session.place, path.value);
    else keepNow();
  });
  async function discard(): Promise<void> {
    if (!(await confirmLoss(t("doc.discardAsk"), t("doc.discard")))) return;
    forget();
    newer.value = null;
    if (props.id) {
      const doc = docQuery.data.value;
      if (doc) editing.take(doc);
      void docQuery.refetch();
    } else {
      editing.begin();
    }
  }

  watch([title, () => meta.value.label, ready], () => {
    if (ready.value) place.title(props.id ? (saved.value?.number ? title.value : `${meta.value.label} ${title.value}`) : title.value);
  }, { immediate: true });

  return { props, meta, editing, busy, ready, restored, newer, unanswered, saved, canEdit, title, missing, denied, trouble, reload, refetch: () => void docQuery.refetch(), accept, keepNow, forget, discard };
}

export type OpenRecord = ReturnType<typeof useRecord>;

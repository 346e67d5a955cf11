/** What can be done with a record besides typing: steps, pushes, copies, deleting it. */
import { computed, ref } from "vue";
import { useI18n } from "vue-i18n";
import { useRouter } from "vue-router";

import { Refused } from "@/api";
import { say } from "@/complain";
import { usePlace } from "@/place";
import { refresh } from "@/server";
import type { DocumentBody, FieldValue, Problem, Step } from "@/types";
import { confirmLoss } from "@/ui/confirm";

import { handOver } from "./handover";
import type { OpenRecord } from "./record";
import type { Saving } from "./saving";

export function useSteps(record: OpenRecord, saving: Saving) {
  const { props, meta, editing, busy, saved } = record;
  const { t } = useI18n();
  const router = useRouter();
  const place = usePlace();

  const steps = computed<Step[]>(() => {
    const can = new Set(saved.value?.can?.steps ?? []);
    return meta.value.steps.filter((step) => can.has(step.name));
  });
  /** The next step; of a record that is not saved yet, the one that comes after saving. */
  const primary = computed(() => {
    const next = props.id ? steps.value : meta.value.steps.filter((step) => step.track === meta.value.tracks[0]?.field && step.from.includes("created"));
    return next.find((step) => step.tone === "primary") ?? null;
  });
  const side = computed(() => steps.value.filter((step) => step !== primary.value && step.tone !== "danger").slice(0, 3));
  const rest = computed(() => steps.value.filter((step) => step !== primary.value && !side.value.includes(step)));
  const pushes = computed(() => meta.value.pushes.filter((push) => (saved.value?.can?.pushes ?? []).includes(push.target)));
  const mustSave = computed(() => record.canEdit.value && (!props.id || editing.dirty.value || record.unanswered.value !== null));
  const asked = ref<Step | null>(null);
  const problems = ref<Problem[]>([]);

  const start = (step: Step): Promise<void> => (busy.value ? Promise.resolve() : saving.typed(() => begin(step)));
  async function begin(step: Step): Promise<void> {
    const asks = Boolean(step.input?.length || step.confirm || step.tone === "danger");
    if (mustSave.value) {
      const done = await saving.save(false, asks ? null : step);
      if (!done || !asks) return;
    }
    if (!(saved.value?.can?.steps ?? []).includes(step.name)) return;
    problems.value = [];
    if (asks) asked.value = step;
    else await run(step, {});
  }
  async function run(step: Step, input: Record<string, FieldValue>): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    const keys = editing.lines.value.map((line) => line.key);
    try {
      record.accept(await saving.act.write<DocumentBody>("POST", `${props.code}/${props.id}/${step.name}`, { version: saved.value?.version, ...input }));
      asked.value = null;
      say(t("doc.stepped", { step: step.label }));
    } catch (error) {
      if (error instanceof Refused && error.problems.some((problem) => asked.value?.input?.some((field) => field.name === problem.field))) {
        problems.value = error.problems;
      } else {
        asked.value = null;
        await saving.refused(error, keys);
      }
    } finally {
      busy.value = false;
    }
  }
  function settle(input: Record<string, FieldValue>): void {
    if (asked.value) void run(asked.value, input);
  }

  async function push(target: string): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    try {
      const body = await saving.act.write<Record<string, unknown>>("POST", `${props.code}/${props.id}/push/${target}`, {});
      await router.push(handOver(target, body));
    } catch (error) {
      await saving.refused(error, []);
    } finally {
      busy.value = false;
    }
  }
  async function remove(): Promise<void> {
    if (!(await confirmLoss(t("doc.deleteAsk", { what: `${meta.value.label} ${record.title.value}` }), t("act.delete")))) return;
    try {
      await saving.act.write("DELETE", `${props.code}/${props.id}`, undefined, { query: { version: saved.value?.version } });
      record.forget();
      refresh(props.code);
      say(t("doc.deleted"));
      place.close();
    } catch (error) {
      await saving.refused(error, []);
    }
  }
  async function copy(): Promise<void> {
    const body: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(meta.value.fields)) if (editing.typable(field) && name !== "date" && field.kind !== "code") body[name] = editing.header[name];
    body["lines"] = editing.lines.value.filter((line) => !editing.blank(line)).map((line) => Object.fromEntries(Object.entries(line.values).filter(([name]) => {
      const field = editing.lineFields.value[name];
      return field && editing.typable(field);
    })));
    await router.push(handOver(props.code, body));
  }

  return { primary, side, rest, pushes, mustSave, asked, problems, start, settle, push, remove, copy };
}

export type Steps = ReturnType<typeof useSteps>;

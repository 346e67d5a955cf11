/** What the pages of the directory ask of the server, and how they write to it. */
import { useQuery } from "@tanstack/vue-query";
import { computed, ref, toValue, type MaybeRefOrGetter, type Ref as VueRef } from "vue";

import { get } from "@/api";
import { complain, say } from "@/complain";
import { currentLocale } from "@/i18n";
import { refresh, useMenu } from "@/server";
import { useSession } from "@/session";

import type { Connection, Guide, Sandbox } from "./shapes";

export function useConnections() {
  const session = useSession();
  return useQuery({
    queryKey: computed(() => ["directory.connection", session.place, currentLocale()]),
    queryFn: () => get<{ rows: Connection[] }>("directory/connections"),
    staleTime: 0,
  });
}

/** The guide of a platform: what to fill in, and where it is found. */
export function useGuide(platform: MaybeRefOrGetter<string>) {
  const query = useAnswer<{ rows: Guide[] }>("directory/guides", "directory.guide");
  return { ...query, data: computed(() => query.data.value?.rows.find((one) => one.platform === toValue(platform)) ?? null) };
}

/** What the sandbox offers to those who may set up; nothing on a real installation. */
export function useSandbox() {
  const session = useSession();
  const may = useMay();
  return useQuery({
    queryKey: computed(() => ["directory.sandbox", session.place]),
    queryFn: () => get<Sandbox>("directory/sandbox"),
    enabled: computed(() => may("directory.connection.edit")),
    staleTime: 300_000,
  });
}

export function useAnswer<T>(path: MaybeRefOrGetter<string | null>, code: string) {
  const session = useSession();
  return useQuery({
    queryKey: computed(() => [code, session.place, currentLocale(), toValue(path)]),
    queryFn: () => get<T>(toValue(path) ?? ""),
    enabled: computed(() => toValue(path) !== null),
    staleTime: 0,
  });
}

/** Whether this person holds a verb, by the menu: `directory.run.apply`. */
export function useMay(): (permission: string) => boolean {
  const menu = useMenu();
  return (permission) => menu.data.value?.can.includes(permission) ?? false;
}

/** One act at a time: says what came of it, shows everything of the directory anew, and whether it went well. */
export function useAttempt(...codes: string[]): { busy: VueRef<boolean>; attempt: (work: () => Promise<unknown>, done?: string) => Promise<boolean> } {
  const busy = ref(false);
  async function attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    try {
      await work();
      if (done) say(done);
      refresh(...codes);
      return true;
    } catch (error) {
      complain(error);
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, attempt };
}

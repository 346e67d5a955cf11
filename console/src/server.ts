/** Cached reads every page shares: the menu, metadata of a code, preferences, look-ups. */
import { QueryClient, useQuery } from "@tanstack/vue-query";
import { computed, reactive, toValue, type MaybeRefOrGetter } from "vue";

import { NoAnswer, Refused, get, newKey, write } from "./api";
import { currentLocale, i18n, t } from "./i18n";
import { useSession } from "./session";
import type { LookupRow, MenuMeta, Meta, Ref } from "./types";

export const client = new QueryClient({
  defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false, staleTime: 15_000 } },
});

function scope(): string {
  return `${useSession().place}.${currentLocale()}`;
}

/** Pages that stand beside the lists they belong to, for a menu that names only lists; apps by name. */
const PAGES = [
  { code: "chain.lanes", beside: "chain.link", label: "lanes.title" },
  { code: "chain.membership", beside: "chain.link", label: "member.title" },
  { code: "finance.statement", beside: "finance.receivable", label: "statement.title" },
  { code: "finance.statement", beside: "finance.payable", label: "statement.title" },
  { code: "directory.conflicts", beside: "directory.run", label: "directory.desk.title" },
  { code: "directory.contacts", beside: "directory.connection", label: "directory.contacts.title" },
];
/** Lists whose page does more than list, by what it is for. */
const TITLES: Record<string, string> = {
  "directory.connection": "directory.connections", "directory.callback": "directory.doctor.title",
  "directory.guest": "directory.branch.title", "directory.handover": "directory.leavers.title",
};
const ORDER = ["sales", "purchasing", "stock", "finance", "chain", "masters", "directory", "org"];

function withPages(given: MenuMeta): MenuMeta {
  const menu = given.menu.map((app) => ({ ...app, label: app.label || t(`app.${app.app}`), items: app.items.map((item) => ({ ...item, label: TITLES[item.code] ? t(TITLES[item.code] ?? "") : item.label })) }));
  for (const page of PAGES) {
    const app = menu.find((one) => one.items.some((item) => item.code === page.beside));
    if (app && !menu.some((one) => one.items.some((item) => item.code === page.code))) app.items.splice(app.items.findIndex((item) => item.code === page.beside) + 1, 0, { code: page.code, label: t(page.label), kind: "page" });
  }
  const at = (app: string): number => (ORDER.includes(app) ? ORDER.indexOf(app) : ORDER.length);
  return { ...given, menu: menu.sort((a, b) => at(a.app) - at(b.app)) };
}

export function useMenu() {
  const session = useSession();
  return useQuery({
    queryKey: computed(() => ["menu", session.place, i18n.global.locale.value]),
    queryFn: async () => withPages(await get<MenuMeta>("meta")),
    enabled: computed(() => Boolean(session.enterprise)),
    staleTime: 300_000,
  });
}

/** What a server may leave out because it follows from the rest. */
export function complete(given: Meta): Meta {
  return {
    ...given,
    sections: given.sections ?? {}, form: given.form ?? [], tracks: given.tracks ?? [], steps: given.steps ?? [],
    pulls: given.pulls ?? [], pushes: given.pushes ?? [], leads: given.leads ?? [], sums: given.sums ?? [], find: given.find ?? [],
    can: { ...given.can, steps: given.can.steps ?? (given.steps ?? []).map((step) => step.name) },
  };
}

export function useMeta(code: MaybeRefOrGetter<string>) {
  const session = useSession();
  return useQuery({
    queryKey: computed(() => ["meta", session.place, i18n.global.locale.value, toValue(code)]),
    queryFn: async () => complete(await get<Meta>(`meta/${toValue(code)}`)),
    enabled: computed(() => Boolean(session.enterprise) && toValue(code) !== ""),
    staleTime: 300_000,
  });
}

export async function metaOf(code: string): Promise<Meta> {
  const session = useSession();
  return client.fetchQuery({
    queryKey: ["meta", session.place, currentLocale(), code],
    queryFn: async () => complete(await get<Meta>(`meta/${code}`)),
    staleTime: 300_000,
  });
}

/** Everything shown of one code is asked again: after a save, a step, an import. */
export function refresh(...codes: string[]): void {
  for (const code of codes) void client.invalidateQueries({ predicate: (query) => query.queryKey.includes(code) });
  void client.invalidateQueries({ queryKey: ["home"] });
}

/** `header` names what the header of a line refers to, by field: what is on offer depends on it. */
export async function lookup(code: string, q: string, purpose: string, header: Record<string, string>, signal?: AbortSignal): Promise<LookupRow[]> {
  const answer = await get<{ rows: LookupRow[] }>(`${code}/lookup`, { q, limit: 20, for: purpose, ...Object.fromEntries(Object.entries(header).map(([name, id]) => [`header.${name}`, id])) }, { signal });
  return answer.rows;
}

export async function resolve(code: string, values: string[]): Promise<{ found: Record<string, LookupRow>; missing: string[] }> {
  return write("POST", `${code}/resolve`, { values });
}

const names = reactive(new Map<string, Ref>());

/** A reference known only by its id (from a filter in the address): its name, once it has arrived. */
export function nameOf(code: string, id: string): string {
  const key = `${scope()}.${code}.${id}`;
  const known = names.get(key);
  if (known) return known.name;
  names.set(key, { id, name: "…" });
  get<LookupRow>(`${code}/${id}`).then(
    (row) => names.set(key, { id, name: String(row.name ?? row["number"] ?? row.code ?? id) }),
    () => names.set(key, { id, name: id.slice(0, 8) }),
  );
  return "…";
}

export function rememberName(code: string, ref: Ref): void {
  names.set(`${scope()}.${code}.${ref.id}`, ref);
}

export function usePrefs<T extends object>(key: MaybeRefOrGetter<string>, fallback: T) {
  const session = useSession();
  const queryKey = computed(() => ["prefs", session.place, toValue(key)]);
  const query = useQuery({
    queryKey,
    queryFn: async (): Promise<T> => {
      try {
        const kept = await get<unknown>(`prefs/${toValue(key)}`);
        return kept && typeof kept === "object" ? ({ ...fallback, ...kept } as T) : fallback;
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return fallback;
        if (error instanceof NoAnswer || error instanceof Refused) return fallback;
        throw error;
      }
    },
    enabled: computed(() => Boolean(session.enterprise)),
    staleTime: Infinity,
  });
  let timer = 0;
  const value = computed<T>(() => query.data.value ?? fallback);
  function set(next: T): void {
    client.setQueryData(queryKey.value, next);
    const path = `prefs/${toValue(key)}`;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      write("PUT", path, next, { key: newKey() }).catch(() => undefined);
    }, 600);
  }
  return { value, set, ready: computed(() => query.isFetched.value) };
}

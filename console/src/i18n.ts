/** The three languages of the interface. Labels of data come from the server in the same language. */
import { createI18n } from "vue-i18n";

import { settings } from "./api";
import zhHans from "./locales/zh-Hans.json";

export const LOCALES = ["zh-Hans", "zh-Hant", "en"] as const;
export type Locale = (typeof LOCALES)[number];
export const LOCALE_NAMES: Record<Locale, string> = { "zh-Hans": "简体中文", "zh-Hant": "繁體中文", en: "English" };

export function isLocale(value: unknown): value is Locale {
  return LOCALES.includes(value as Locale);
}

function remembered(): Locale {
  const stored = localStorage.getItem("yl.locale");
  return isLocale(stored) ? stored : "zh-Hans";
}

export const i18n = createI18n({
  legacy: false,
  locale: "zh-Hans" as Locale,
  fallbackLocale: "zh-Hans",
  messages: { "zh-Hans": zhHans } as Record<Locale, typeof zhHans>,
});

export const t = (key: string, values: Record<string, unknown> = {}): string => i18n.global.t(key, values);

export function currentLocale(): Locale {
  return i18n.global.locale.value;
}

const loaders: Record<Exclude<Locale, "zh-Hans">, () => Promise<{ default: unknown }>> = {
  "zh-Hant": () => import("./locales/zh-Hant.json"),
  en: () => import("./locales/en.json"),
};

export async function useLocale(locale: Locale): Promise<void> {
  if (locale !== "zh-Hans" && !i18n.global.availableLocales.includes(locale)) {
    i18n.global.setLocaleMessage(locale, (await loaders[locale]()).default as typeof zhHans);
  }
  i18n.global.locale.value = locale;
  localStorage.setItem("yl.locale", locale);
  document.documentElement.lang = locale;
}

export async function startLocale(): Promise<void> {
  settings.locale = currentLocale;
  await useLocale(remembered());
}

/** The office console. */
import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { createApp } from "vue";

import "./tokens.css";
import "./base.css";

import App from "./App.vue";
import { sweepDrafts } from "./drafts";
import { i18n, startLocale } from "./i18n";
import { router } from "./router";
import { client } from "./server";
import { guardDoubleClicks } from "./ui/double";

guardDoubleClicks(window);
sweepDrafts();
await startLocale();

createApp(App)
  .use(createPinia())
  .use(i18n)
  .use(VueQueryPlugin, { queryClient: client })
  .use(router)
  .mount("#app");

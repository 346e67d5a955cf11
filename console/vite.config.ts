/// <reference types="vitest/config" />
import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import Components from "unplugin-vue-components/vite";
import { ElementPlusResolver } from "unplugin-vue-components/resolvers";
import { defineConfig, type PluginOption } from "vite";

export default defineConfig(async ({ mode, command }) => {
  const plugins: PluginOption[] = [
    vue(),
    Components({ dirs: [], dts: false, resolvers: [ElementPlusResolver({ importStyle: "css" })] }),
  ];
  if (mode === "mock" && command === "serve") {
    const { mockServer } = await import("./dev/mock.ts");
    plugins.push(mockServer());
  }
  return {
    plugins,
    resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
    server: {
      port: 5173,
      proxy: { "/api": { target: process.env["YUNLIAN_API"] ?? "http://127.0.0.1:8000", changeOrigin: false } },
    },
    build: {
      target: "es2022",
      assetsDir: "assets",
      chunkSizeWarningLimit: 700,
    },
    test: {
      environment: "jsdom",
      include: ["src/**/*.test.ts", "test/**/*.test.ts"],
      server: { deps: { inline: ["element-plus"] } },
      maxWorkers: 1,
    },
  };
});

import js from "@eslint/js";
import globals from "globals";

const node = ["eslint.config.js", "WebFrontend/Assets/**", "clients/javascript/scripts/**", "eng/site/**", "tests/**"];

export default [
  // TypeScript is checked by its own compiler (clients/javascript/tsconfig.json).
  {
    ignores: [
      "artifacts/**",
      ".local/**",
      "**/wwwroot/lib/**",
      "clients/javascript/build/**",
      "clients/javascript/dist/**",
    ],
  },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: 2025, sourceType: "module" },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      // Prettier wraps code; these hold for comments and strings too.
      "max-len": ["error", { code: 120 }],
      "max-lines": ["error", 350],
      "no-unused-vars": ["error", { ignoreRestSiblings: true, varsIgnorePattern: "^_$" }],
    },
  },
  { files: node, languageOptions: { globals: globals.node } },
  {
    files: ["WebFrontend/**", "samples/**", "templates/**"],
    ignores: node,
    languageOptions: { globals: { ...globals.browser, ...globals.worker } },
  },
];

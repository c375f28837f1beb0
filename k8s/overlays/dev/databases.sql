-- Run by the image of MySQL at its first start. The services make their tables.
CREATE DATABASE catalog CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE DATABASE web CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
GRANT ALL ON catalog.* TO 'sajin'@'%';
GRANT ALL ON web.* TO 'sajin'@'%';

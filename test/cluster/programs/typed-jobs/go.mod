module nodelatch.example/typed-jobs

go 1.25

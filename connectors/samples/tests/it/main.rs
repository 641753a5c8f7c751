mod company;
